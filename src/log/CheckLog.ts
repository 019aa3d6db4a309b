import { gunzipSync } from "node:zlib"
import { Effect } from "effect"
import { areEqual } from "../domain/log/Bytes.ts"
import { Fold } from "../domain/log/Fold.ts"
import { decodeBundle, Edge, tilesOf, tileWidth } from "../domain/log/Tile.ts"
import { Ledger } from "../ledger/Ledger.ts"
import type { LogHead } from "../ledger/LogHeads.ts"
import { LogStore } from "../ledger/LogStore.ts"
import { leafHashOf, sha256 } from "./Hashes.ts"

/** What checking a log came to. */
export interface CheckedLog {
  /** How many votes count by the log, and by the ledger, which may be some seconds ahead. */
  readonly logged: number
  readonly counted: number
  /** What is not as it must be, in words. */
  readonly wrong: ReadonlyArray<string>
}

const mostWrong = 20

/** Recounts a log as it is stored: its leaves make its tiles and its head, and come to what the ledger says. */
export const checkLog = Effect.fn("checkLog")(function* (head: LogHead, tell: (leaves: number) => Effect.Effect<void>) {
  const store = yield* LogStore
  const ledger = yield* Ledger
  const wrong: Array<string> = []
  const fold = new Fold(sha256)
  const tiles = new Map<string, Uint8Array>()
  const edge = new Edge(sha256, (level, index, tile) => tiles.set(`${level}/${index}`, tile))
  for (let index = 0; index * tileWidth < head.size; index++) {
    const bundle = yield* store.tile(head, "entries", index)
    const leaves = bundle && decodeBundle(bundle.gzipped ? gunzipSync(bundle.bytes) : bundle.bytes)
    if (leaves === undefined) {
      wrong.push(`the leaves from ${index * tileWidth} on are not there`)
      break
    }
    for (const leaf of leaves.slice(0, head.size - index * tileWidth)) {
      const line = Buffer.from(leaf).toString("utf8")
      fold.add(line)
      edge.push(leafHashOf(line))
    }
    yield* tell(edge.size)
  }
  if (edge.size !== head.size || !areEqual(edge.root(), head.root)) wrong.push("the leaves do not make the log's head")
  for (const [level, tile] of edge.tiles().entries())
    tiles.set(`${level}/${Math.floor(edge.size / 256 ** (level + 1))}`, tile)
  for (const { index, level, width } of tilesOf(edge.size)) {
    const stored = yield* store.tile(head, level, index)
    const made = tiles.get(`${level}/${index}`)
    const same = stored !== undefined && made !== undefined && areEqual(stored.bytes.subarray(0, width * 32), made)
    if (!same && wrong.length < mostWrong) wrong.push(`tile ${level}/${index} is not what the leaves make`)
  }
  const { ballots, hidden, options, wrong: wrongLeaves } = fold.recount()
  const tally = yield* ledger.tally(head.poll)
  const differs =
    hidden === 0 && options.some(({ count, id }) => tally?.options.find(({ option }) => option === id)?.count !== count)
  if (fold.result !== undefined && differs) wrong.push("the final counts are not those of the ledger")
  const counted = tally?.ballots ?? 0
  if (ballots > counted) wrong.push(`${ballots} votes count by the log, and ${counted} by the ledger`)
  return { logged: ballots, counted, wrong: [...wrong, ...wrongLeaves] } satisfies CheckedLog
})
