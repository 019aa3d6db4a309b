import { concat } from "./Bytes.ts"
import type { Sha256 } from "./Sha256.ts"
import { hashLength, leafHash, rootOver, type Subtree } from "./Tree.ts"

/*
 * Tiles and bundles as c2sp.org/tlog-tiles has them. A tile of level L holds up to 256 hashes, each of the subtree over
 * 256**L leaves; a bundle holds up to 256 leaves.
 */

export const tileWidth = 256

/** A tile, or a bundle of leaves where its level is `entries`; `width` is below 256 for one of the right edge. */
export interface TileName {
  readonly level: number | "entries"
  readonly index: number
  readonly width: number
}

/** Returns a tile's path after the log's own, such as `tile/0/x001/067.p/12`. */
export const tilePath = ({ index, level, width }: TileName): string => {
  const digits = String(index)
  const groups = digits.padStart(3 * Math.ceil(digits.length / 3), "0").match(/.{3}/g) ?? []
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join("/")
  return `tile/${level}/${path}${width === tileWidth ? "" : `.p/${width}`}`
}

/** Returns the tile of a path; undefined where it is not just as `tilePath` writes it. */
export const parseTilePath = (path: string): TileName | undefined => {
  const [, level, groups, part] = /^tile\/(entries|\d{1,2})\/([x\d/]+?)(?:\.p\/(\d{1,3}))?$/.exec(path) ?? []
  if (level === undefined || groups === undefined) return undefined
  const name: TileName = {
    level: level === "entries" ? level : Number(level),
    index: Number(groups.replace(/[x/]/g, "")),
    width: part === undefined ? tileWidth : Number(part)
  }
  const fits = Number.isSafeInteger(name.index) && name.width > 0 && (name.level === "entries" || name.level < 64)
  return fits && tilePath(name) === path ? name : undefined
}

/** Returns the number of hashes or leaves that a tile has in a tree of `size` leaves; 0 where there is no such tile. */
export const widthAt = ({ index, level }: Pick<TileName, "index" | "level">, size: number): number => {
  const hashes = Math.floor(size / tileWidth ** (level === "entries" ? 0 : level))
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth))
}

/** Returns all tiles of a tree of `size` leaves, with or without its bundles, the lowest level first. */
export function* tilesOf(size: number, level: number | "entries" = 0): Generator<TileName> {
  for (let index = 0; widthAt({ level, index }, size) > 0; index++)
    yield { level, index, width: widthAt({ level, index }, size) }
  if (level !== "entries" && widthAt({ level: level + 1, index: 0 }, size) > 0) yield* tilesOf(size, level + 1)
}

/** Returns a tile's hashes one by one. */
export const hashesOf = (tile: Uint8Array): Array<Uint8Array> =>
  Array.from({ length: tile.length / hashLength }, (_, at) => tile.subarray(at * hashLength, (at + 1) * hashLength))

/** Returns the hashes of subtrees, given the tiles that hold them. */
export const subtreesIn =
  (hash: Sha256, tileAt: (level: number, index: number) => Uint8Array): Subtree =>
  (height, index) => {
    const level = Math.floor(height / 8)
    const count = 2 ** (height % 8)
    const first = index * count
    const tile = tileAt(level, Math.floor(first / tileWidth))
    const at = first % tileWidth
    return rootOver(hash, hashesOf(tile.subarray(at * hashLength, (at + count) * hashLength)))
  }

/** Returns the names of the tiles that something needs, in a tree of `size` leaves, by doing it without them. */
export const tilesNeeded = (size: number, run: (subtree: Subtree) => unknown): ReadonlyArray<TileName> => {
  const needed = new Map<string, TileName>()
  run((height, index) => {
    const level = Math.floor(height / 8)
    const place = { level, index: Math.floor((index * 2 ** (height % 8)) / tileWidth) }
    needed.set(`${place.level}/${place.index}`, { ...place, width: widthAt(place, size) })
    return new Uint8Array(hashLength)
  })
  return [...needed.values()]
}

/** Returns a bundle: each leaf, of at most 65,535 bytes, after its length in two bytes. */
export const encodeBundle = (leaves: ReadonlyArray<Uint8Array>): Uint8Array =>
  concat(...leaves.flatMap((leaf) => [Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf]))

/** Returns a bundle's leaves; undefined where its bytes are not those of one. */
export const decodeBundle = (bytes: Uint8Array): ReadonlyArray<Uint8Array> | undefined => {
  const leaves: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
    if (at + 2 > bytes.length || end > bytes.length) return undefined
    leaves.push(bytes.subarray(at + 2, end))
    at = end
  }
  return leaves
}

/** Returns the tile of level 0 over a bundle's leaves. */
export const tileOver = (hash: Sha256, bundle: Uint8Array): Uint8Array =>
  concat(...(decodeBundle(bundle) ?? []).map((leaf) => leafHash(hash, leaf)))

/** Returns how many leaves a bundle of ours has. */
export const bundleWidth = (bytes: Uint8Array): number => decodeBundle(bytes)?.length ?? 0

/** Returns the first `width` leaves of a bundle of ours, as a bundle. */
export const bundleSlice = (bytes: Uint8Array, width: number): Uint8Array =>
  encodeBundle(decodeBundle(bytes)?.slice(0, width) ?? [])

/** What takes a tile that has become full. */
export type TakeTile = (level: number, index: number, tile: Uint8Array) => void

/** The right edge of a growing tree: its partial tiles, from which the root follows. */
export class Edge {
  readonly #hash: Sha256
  readonly #take: TakeTile
  readonly #levels: Array<Array<Uint8Array>>
  #size: number

  /** Takes the partial tiles of a tree of `size` leaves, those of level 0 first; `take` gets each tile that gets full. */
  constructor(hash: Sha256, take: TakeTile, size = 0, tiles: ReadonlyArray<Uint8Array> = []) {
    this.#hash = hash
    this.#take = take
    this.#size = size
    this.#levels = tiles.map(hashesOf)
  }

  get size(): number {
    return this.#size
  }

  /** Adds a leaf by its hash. */
  push(leaf: Uint8Array): void {
    let node = leaf
    this.#size++
    for (let level = 0; ; level++) {
      const hashes = this.#levels[level] ?? []
      this.#levels[level] = hashes
      hashes.push(node)
      if (hashes.length < tileWidth) return
      this.#take(level, this.#size / tileWidth ** (level + 1) - 1, concat(...hashes))
      node = rootOver(this.#hash, hashes)
      this.#levels[level] = []
    }
  }

  /** Returns the partial tiles, those of level 0 first; one may be empty. */
  tiles(): ReadonlyArray<Uint8Array> {
    return this.#levels.map((hashes) => concat(...hashes))
  }

  /** Returns the tree's root. */
  root(): Uint8Array {
    let below: Uint8Array | undefined
    for (const hashes of this.#levels) {
      const row = below === undefined ? hashes : [...hashes, below]
      if (row.length > 0) below = rootOver(this.#hash, row)
    }
    return below ?? this.#hash(new Uint8Array())
  }
}
