import { promisify } from "node:util"
import { constants, gzip } from "node:zlib"
import { Edge, tileWidth } from "../domain/log/Tile.ts"
import type { LogTile, OpenLog } from "../ledger/LogRows.ts"
import { sha256, sha256OfText } from "./Hashes.ts"

/** A leaf in its place, and when the vote was accepted that is new in it, in ms. */
export interface PlacedLeaf {
  readonly line: string
  readonly ms: number | undefined
}

const compress = promisify(gzip)

/** How a full bundle is kept: of what compressing saves, the first level saves nearly all. */
export const packBundle = (bundle: Uint8Array): Promise<Uint8Array> =>
  compress(bundle, { level: constants.Z_BEST_SPEED })

/** The bundle that leaves are written into. */
interface OpenBundle {
  readonly parts: Array<Uint8Array>
  fromMs: number | undefined
  toMs: number | undefined
}

const earlier = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)
const later = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)

/** Returns the size and root of a log with leaves added, and the tiles and bundles that are new or have grown by them. */
export const grow = async (log: OpenLog, leaves: ReadonlyArray<PlacedLeaf>) => {
  const tiles: Array<LogTile> = []
  const bundles: Array<Promise<LogTile>> = []
  const tile = (level: number, place: number, data: Uint8Array): LogTile => ({
    level,
    place,
    data,
    fromMs: undefined,
    toMs: undefined
  })
  const levels = log.edge.filter(({ level }) => level >= 0)
  const edge = new Edge(
    sha256,
    (level, place, data) => tiles.push(tile(level, place, data)),
    log.size,
    Array.from(
      { length: 1 + Math.max(-1, ...levels.map(({ level }) => level)) },
      (_, level) => levels.find((one) => one.level === level)?.data ?? new Uint8Array()
    )
  )
  const last = log.edge.find(({ level }) => level === -1)
  const fresh = (): OpenBundle => ({ parts: [], fromMs: undefined, toMs: undefined })
  let bundle: OpenBundle = last === undefined ? fresh() : { parts: [last.data], fromMs: last.fromMs, toMs: last.toMs }
  const bundleAt = (place: number, data: Uint8Array): LogTile => ({
    level: -1,
    place,
    data,
    fromMs: bundle.fromMs,
    toMs: bundle.toMs
  })
  for (const { line, ms } of leaves) {
    const bytes = Buffer.from(line)
    bundle.parts.push(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes)
    bundle.fromMs = earlier(bundle.fromMs, ms)
    bundle.toMs = later(bundle.toMs, ms)
    edge.push(sha256OfText(`\0${line}`))
    if (edge.size % tileWidth > 0) continue
    const full = bundleAt(edge.size / tileWidth - 1, Buffer.concat(bundle.parts))
    bundles.push(packBundle(full.data).then((data) => ({ ...full, data })))
    bundle = fresh()
  }
  for (const [level, data] of edge.tiles().entries()) {
    if (data.length > 0) tiles.push(tile(level, Math.floor(edge.size / tileWidth ** (level + 1)), data))
  }
  if (bundle.parts.length > 0) tiles.push(bundleAt(Math.floor(edge.size / tileWidth), Buffer.concat(bundle.parts)))
  return { size: edge.size, root: edge.root(), tiles: [...tiles, ...(await Promise.all(bundles))] }
}
