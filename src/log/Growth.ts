import { constants, gzipSync } from "node:zlib"
import { Edge, tileOver, tileWidth } from "../domain/log/Tile.ts"
import { bundleLevel, type LogTile, type OpenLog, type WaitingLeaf } from "../ledger/LogRows.ts"
import { leafHashOf, sha256 } from "./Hashes.ts"

/** How a full bundle is kept: of what compressing saves, the first level saves nearly all. At once, since a thread takes longer. */
const packBundle = (bundle: Uint8Array): Uint8Array => gzipSync(bundle, { level: constants.Z_BEST_SPEED })

/** The bundle that leaves are written into: each after its length, in two bytes. */
class OpenBundle {
  #bytes = Buffer.allocUnsafe(2 ** 15)
  #length = 0
  /** When the votes were made that are new in it, in ms. */
  #from: number | undefined
  #to: number | undefined

  constructor(tile: LogTile | undefined) {
    if (tile === undefined) return
    this.#makeRoom(tile.data.length)
    this.#bytes.set(tile.data)
    this.#length = tile.data.length
    this.#from = tile.fromMs
    this.#to = tile.toMs
  }

  #makeRoom(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#length + size))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }

  add(line: string, ms: number | null): void {
    // A character of UTF-16 is at most three bytes.
    this.#makeRoom(2 + 3 * line.length)
    const size = this.#bytes.write(line, this.#length + 2)
    this.#bytes.writeUInt16BE(size, this.#length)
    this.#length += 2 + size
    if (ms === null) return
    if (this.#from === undefined || ms < this.#from) this.#from = ms
    if (this.#to === undefined || ms > this.#to) this.#to = ms
  }

  /** Returns what is in it, until more is. */
  tile(place: number): LogTile {
    const data = this.#bytes.subarray(0, this.#length)
    return { level: bundleLevel, place, data, fromMs: this.#from, toMs: this.#to }
  }

  clear(): void {
    this.#length = 0
    this.#from = undefined
    this.#to = undefined
  }
}

/** A log that grows: its tiles and bundles that are new, or have more in them than before. */
export class Growth {
  readonly #tiles: Array<LogTile> = []
  readonly #edge: Edge
  readonly #bundle: OpenBundle

  constructor({ edge, size }: Pick<OpenLog, "edge" | "size">) {
    const bundle = edge.find(({ level }) => level === bundleLevel)
    const partial = [tileOver(sha256, bundle?.data ?? new Uint8Array())]
    for (const { data, level } of edge) if (level > 0) partial[level] = data
    this.#edge = new Edge(
      sha256,
      (level, place, data) => this.#add(level, place, data),
      size,
      Array.from(partial, (data = new Uint8Array()) => data)
    )
    this.#bundle = new OpenBundle(bundle)
  }

  /** Adds a tile of hashes, but for one of level 0, which its bundle makes. */
  #add(level: number, place: number, data: Uint8Array): void {
    if (level > 0 && data.length > 0) this.#tiles.push({ level, place, data, fromMs: undefined, toMs: undefined })
  }

  get size(): number {
    return this.#edge.size
  }

  /** Adds a leaf. */
  push([, ms, line]: WaitingLeaf): void {
    this.#bundle.add(line, ms)
    this.#edge.push(leafHashOf(line))
    if (this.size % tileWidth > 0) return
    const full = this.#bundle.tile(this.size / tileWidth - 1)
    this.#tiles.push({ ...full, data: packBundle(full.data) })
    this.#bundle.clear()
  }

  /** Returns what it has become; to be called once, at the end. */
  end() {
    for (const [level, data] of this.#edge.tiles().entries()) {
      this.#add(level, Math.floor(this.size / tileWidth ** (level + 1)), data)
    }
    const open = this.#bundle.tile(Math.floor(this.size / tileWidth))
    if (open.data.length > 0) this.#tiles.push(open)
    return { size: this.size, root: this.#edge.root(), tiles: this.#tiles }
  }
}
