import { hash as nodeHash256 } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { concat, toHex, utf8 } from "../../../src/domain/log/Bytes.ts"
import type { Sha256 } from "../../../src/domain/log/Sha256.ts"
import {
  bundleSlice,
  decodeBundle,
  Edge,
  encodeBundle,
  hashesOf,
  parseTilePath,
  subtreesIn,
  tilePath,
  tilesNeeded,
  tilesOf,
  tileWidth,
  widthAt
} from "../../../src/domain/log/Tile.ts"
import { inclusionProof, leafHash, rangeHash, rootOfInclusion, rootOver } from "../../../src/domain/log/Tree.ts"

const hash: Sha256 = (bytes) => Buffer.from(nodeHash256("sha256", bytes, "hex"), "hex")

describe("tile paths", () => {
  it("are as the document has them", () => {
    assert.strictEqual(tilePath({ level: 0, index: 1_234_067, width: tileWidth }), "tile/0/x001/x234/067")
    assert.strictEqual(tilePath({ level: "entries", index: 0, width: 1 }), "tile/entries/000.p/1")
    for (const name of [
      { level: 0, index: 0, width: 256 },
      { level: 63, index: 999, width: 255 },
      { level: "entries", index: 1_000, width: 17 },
      { level: 2, index: 1_234_067, width: 256 }
    ] as const) {
      assert.deepStrictEqual(parseTilePath(tilePath(name)), name)
    }
  })

  it("are taken in no other form", () => {
    for (const path of [
      "tile/00/000",
      "tile/64/000",
      "tile/0/0",
      "tile/0/0000",
      "tile/0/000.p/0",
      "tile/0/000.p/256",
      "tile/0/000.p/01",
      "tile/0/000.p/",
      "tile/0/x000/000",
      "tile/0/001/000",
      "tile/0/x001",
      "tile/x/000",
      "tile/-1/000",
      "tile/0/000/",
      "tile/0/x999/x999/x999/x999/x999/x999/999",
      "/tile/0/000",
      "tile/0/000\n"
    ]) {
      assert.isUndefined(parseTilePath(path), path)
    }
  })
})

describe("the tiles of a tree", () => {
  it("of 70,000 leaves, and of 256, are as the document lists them", () => {
    const listed = (size: number) => {
      const all = [...tilesOf(size)]
      return [0, 1, 2].map((level) => {
        const of = all.filter((tile) => tile.level === level)
        return [
          of.filter(({ width }) => width === 256).length,
          ...of.flatMap(({ width }) => (width < 256 ? [width] : []))
        ]
      })
    }
    assert.deepStrictEqual(listed(70_000), [
      [273, 112],
      [1, 17],
      [0, 1]
    ])
    assert.deepStrictEqual(listed(256), [[1], [0, 1], [0]])
    assert.strictEqual(widthAt({ level: 0, index: 274 }, 70_000), 0)
  })

  it("grow to the same root, and prove all that the whole tree proves", () => {
    const last = 66_000
    const leaves = Array.from({ length: last }, (_, at) => leafHash(hash, utf8(`leaf ${at}`)))
    const full = new Map<string, Uint8Array>()
    let edge = new Edge(hash, (level, index, tile) => full.set(`${level}/${index}`, tile))
    const tileAt = (level: number, index: number): Uint8Array =>
      full.get(`${level}/${index}`) ?? edge.tiles()[level] ?? assert.fail(`there is no tile ${level}/${index}`)
    const subtree = subtreesIn(hash, tileAt)
    for (const [at, leaf] of leaves.entries()) {
      edge.push(leaf)
      const size = at + 1
      if (![1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, last].includes(size)) continue
      const root = edge.root()
      assert.strictEqual(toHex(root), toHex(rootOver(hash, leaves.slice(0, size))))
      assert.strictEqual(toHex(rangeHash(hash, subtree, 0, size)), toHex(root))
      for (const index of [0, 1, 254, 255, 256, size - 1].filter((one) => one < size)) {
        const prove = (from: typeof subtree) => inclusionProof(hash, from, index, size)
        // Only what is named as needed is there.
        const needed = new Map(
          tilesNeeded(size, prove).map((name) => {
            const tile = tileAt(Number(name.level), name.index)
            assert.isAtLeast(tile.length / 32, name.width)
            return [`${name.level}/${name.index}`, tile]
          })
        )
        const proof = prove(subtreesIn(hash, (level, place) => needed.get(`${level}/${place}`) ?? assert.fail()))
        assert.strictEqual(toHex(rootOfInclusion(hash, index, size, leaves[index] ?? root, proof) ?? root), toHex(root))
        assert.isUndefined(rootOfInclusion(hash, size, size, root, proof))
      }
      // As after a restart.
      edge = new Edge(hash, (level, index, tile) => full.set(`${level}/${index}`, tile), edge.size, edge.tiles())
    }
    assert.strictEqual(full.size, 257 + 1)
    assert.strictEqual(toHex(concat(...hashesOf(full.get("0/0") ?? utf8("")))), toHex(concat(...leaves.slice(0, 256))))
  })
})

describe("a bundle", () => {
  const leaves = ["", "a", "b".repeat(300)].map(utf8)

  it("is its leaves after their lengths", () => {
    const bytes = encodeBundle(leaves)
    assert.strictEqual(toHex(bytes.subarray(0, 7)), "0000000161012c")
    assert.deepStrictEqual(decodeBundle(bytes)?.map(toHex), leaves.map(toHex))
    assert.deepStrictEqual(decodeBundle(bundleSlice(bytes, 2))?.map(toHex), leaves.slice(0, 2).map(toHex))
    assert.strictEqual(bundleSlice(bytes, 9).length, bytes.length)
  })

  it("is none where it ends too early", () => {
    const bytes = encodeBundle(leaves)
    assert.isUndefined(decodeBundle(bytes.subarray(0, -1)))
    assert.isUndefined(decodeBundle(bytes.subarray(0, 4)))
    assert.isUndefined(decodeBundle(bytes.subarray(0, 1)))
  })
})
