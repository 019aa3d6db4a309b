import { hash as nodeHash256 } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { fromHex, toHex, utf8 } from "../../../src/domain/log/Bytes.ts"
import { type Sha256, sha256 } from "../../../src/domain/log/Sha256.ts"
import {
  inclusionProof,
  leafHash,
  nodeHash,
  rangeHash,
  rootOfInclusion,
  rootOver,
  type Subtree
} from "../../../src/domain/log/Tree.ts"

const hash: Sha256 = (bytes) => Buffer.from(nodeHash256("sha256", bytes, "hex"), "hex")
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? assert.fail(hex)

/** The vectors of Certificate Transparency's implementations, which follow RFC 6962. */
const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
]
const inclusions = [
  {
    leaf: 1,
    size: 8,
    proof: [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
    ]
  },
  {
    leaf: 6,
    size: 8,
    proof: [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  },
  { leaf: 3, size: 3, proof: ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"] },
  {
    leaf: 2,
    size: 5,
    proof: [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  }
]

const hashes = leaves.map((leaf) => leafHash(hash, bytes(leaf)))
const subtree: Subtree = (height, index) => rootOver(hash, hashes.slice(index * 2 ** height, (index + 1) * 2 ** height))
const rootAt = (size: number): Uint8Array => bytes(roots[size - 1] ?? "")

/** Changes one bit of a hash. */
const bent = (proof: ReadonlyArray<Uint8Array>, at: number): ReadonlyArray<Uint8Array> =>
  proof.map((one, index) => (index === at ? one.map((byte, place) => (place === 0 ? byte ^ 8 : byte)) : one))

describe("our own SHA-256", () => {
  it("says what Node's does, at every length up to two blocks and more", () => {
    for (let length = 0; length < 150; length++) {
      const data = Uint8Array.from({ length }, (_, at) => (at * 7 + length) & 0xff)
      assert.strictEqual(toHex(sha256(data)), toHex(hash(data)), `${length} bytes`)
    }
  })
})

describe("the tree of RFC 6962", () => {
  it("hashes leaves and nodes", () => {
    const of = (text: string) => leafHash(hash, utf8(text))
    assert.strictEqual(toHex(of("")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    assert.strictEqual(toHex(of("L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56")
    const [one = of(""), other = of("")] = hashes
    assert.strictEqual(toHex(nodeHash(hash, one, other)), roots[1])
  })

  it("has the roots of the vectors", () => {
    assert.strictEqual(
      toHex(rangeHash(hash, subtree, 0, 0)),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    for (const [at, root] of roots.entries()) {
      assert.strictEqual(toHex(rangeHash(hash, subtree, 0, at + 1)), root)
      assert.strictEqual(toHex(rootOver(sha256, hashes.slice(0, at + 1))), root)
    }
  })

  it("proves that a leaf is in it", () => {
    for (const { leaf, proof, size } of inclusions) {
      assert.deepStrictEqual(inclusionProof(hash, subtree, leaf - 1, size).map(toHex), proof)
    }
    for (let size = 1; size <= 8; size++) {
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(hash, subtree, index, size)
        const root = (at: number, of: number, path: ReadonlyArray<Uint8Array>) =>
          toHex(rootOfInclusion(hash, at, of, hashes[index] ?? hash(utf8("")), path) ?? utf8(""))
        assert.strictEqual(root(index, size, proof), roots[size - 1])
        const wrong = [
          root(index + 1, size, proof),
          root(index, size, [...proof, rootAt(size)]),
          root(index, size, [...proof, utf8("")]),
          ...proof.map((_, at) => root(index, size, bent(proof, at))),
          ...proof.map((_, at) => root(index, size, proof.toSpliced(at, 1)))
        ]
        assert.notInclude(wrong, roots[size - 1])
      }
    }
  })
})
