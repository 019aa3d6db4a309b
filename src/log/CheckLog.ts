import { gunzipSync } from "node:zlib"
import { Effect } from "effect"
import { areEqual } from "../domain/log/Bytes.ts"
import { parseCheckpoint } from "../domain/log/Checkpoint.ts"
import { Fold } from "../domain/log/Fold.ts"
import { openNote, verifiersOf } from "../domain/log/Note.ts"
import { decodeBundle, Edge, tilesOf, tileWidth } from "../domain/log/Tile.ts"
import { hashLength } from "../domain/log/Tree.ts"
import { type LogBooks, readLedgerVotes, readLogBooks, type SignedLog } from "../ledger/LogBooks.ts"
import type { LogHead } from "../ledger/LogHeads.ts"
import { LogStore } from "../ledger/LogStore.ts"
import { leafHashOf, makeNamer, sha256 } from "./Hashes.ts"

/** What checking a log came to. */
export interface CheckedLog {
  /** How many votes count by the log, and by the results, which may be some seconds ahead. */
  readonly logged: number
  readonly counted: number
  /** What is not as it must be, in words. */
  readonly wrong: ReadonlyArray<string>
}

/** Returns whether a signed checkpoint is the log's, of so many leaves, which make this root. */
const isSigned = async ({ checkpoint, signedSize, vkeys }: SignedLog, origin: string, root: Uint8Array | undefined) => {
  const signed = parseCheckpoint((await openNote(checkpoint, verifiersOf(sha256, vkeys))) ?? "")
  return signed?.origin === origin && signed.size === signedSize && root !== undefined && areEqual(signed.root, root)
}

const mostWrong = 20

const firstId = "00000000-0000-0000-0000-000000000000"

/** Holds each vote that the ledger still has against what the log says of it last; tells, too, how many votes the log has beside. */
const checkVotes = Effect.fnUntraced(function* (poll: string, fold: Fold, books: LogBooks) {
  const { dropped, oldest, queued, secret, waiting } = books
  const nameOf = makeNamer(secret)
  const told = (fate: string, choice: string | null | undefined) => (fate === "dead" ? fate : `${fate} for ${choice}`)
  const wrong: Array<string> = []
  let logged = 0
  for (let after = firstId, ended = false; !ended; ) {
    const votes = yield* readLedgerVotes(poll, after)
    for (const { choice, status, voteId } of votes) {
      const id = nameOf(Buffer.from(voteId.replaceAll("-", ""), "hex"), 0)
      const said = fold.vote(id)
      if (said !== undefined) logged++
      // Rows from before what the ledger keeps no longer change.
      if (voteId < oldest || queued.has(voteId) || waiting.has(id)) continue
      // It was buried when there was no such poll, and so no log.
      if (said === undefined && status === "dead") continue
      const ledger = told(status, choice)
      const log = said === undefined ? "not there" : told(said.fate, said.choice)
      if (ledger !== log && wrong.length < mostWrong)
        wrong.push(`the vote ${voteId} is ${ledger} by the ledger, and ${log} by the log`)
    }
    ended = votes.length === 0
    after = votes.at(-1)?.voteId ?? after
  }
  const missing = fold.votes - logged
  if (missing > dropped) wrong.push(`${missing} votes of the log are not in the ledger, which has dropped ${dropped}`)
  return { missing, wrong }
})

/**
 * Recounts a log as it is stored: its leaves make its tiles, its head and what is signed of it, and say of each vote what the ledger does. To be done in
 * one snapshot of the database, the reading of the head too.
 */
export const checkLog = Effect.fn("checkLog")(function* (head: LogHead, tell: (leaves: number) => Effect.Effect<void>) {
  const store = yield* LogStore
  const wrong: Array<string> = []
  const fold = new Fold(sha256)
  const tiles = new Map<string, Uint8Array>()
  const edge = new Edge(sha256, (level, index, tile) => tiles.set(`${level}/${index}`, tile))
  const books = yield* readLogBooks(head)
  if (books === undefined) return { logged: 0, counted: 0, wrong: ["the log is not there"] }
  let signedRoot: Uint8Array | undefined
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
      if (edge.size === books.signed?.signedSize) signedRoot = edge.root()
    }
    yield* tell(edge.size)
  }
  if (edge.size !== head.size || !areEqual(edge.root(), head.root)) wrong.push("the leaves do not make the log's head")
  for (const [level, tile] of edge.tiles().entries())
    tiles.set(`${level}/${Math.floor(edge.size / tileWidth ** (level + 1))}`, tile)
  for (const { index, level, width } of tilesOf(edge.size)) {
    const stored = yield* store.tile(head, level, index)
    const made = tiles.get(`${level}/${index}`)
    const same =
      stored !== undefined && made !== undefined && areEqual(stored.bytes.subarray(0, width * hashLength), made)
    if (!same && wrong.length < mostWrong) wrong.push(`tile ${level}/${index} is not what the leaves make`)
  }
  const { signed } = books
  if (signed !== undefined && !(yield* Effect.promise(() => isSigned(signed, head.origin, signedRoot))))
    wrong.push("the checkpoint is not of these leaves, or not signed by the log's key")
  if (books.seed !== null) fold.know(books.seed)
  const votes = yield* checkVotes(head.poll, fold, books)
  wrong.push(...votes.wrong)
  // A log that was begun anew has nothing of what had been dropped by then.
  const before = head.number === 1 ? 0 : Math.max(0, books.dropped - votes.missing)
  const { ballots, options, wrong: wrongLeaves } = fold.recount()
  const isWhole = books.queued.size === 0 && books.waiting.size === 0
  if (isWhole) {
    for (const { count, id } of options) {
      const told = books.counts.get(id) ?? 0
      if (told < count || told > count + before)
        wrong.push(`${id} has ${told} votes by the results, and ${count} by the log`)
    }
  }
  // What is not in the log yet may be that a vote no longer counts.
  const unwritten = books.queued.size + books.waiting.size
  if ((isWhole && ballots + before < books.ballots) || ballots > books.ballots + unwritten)
    wrong.push(`${ballots} votes count by the log, and ${books.ballots} by the results`)
  return { logged: ballots, counted: books.ballots, wrong: [...wrong, ...wrongLeaves] } satisfies CheckedLog
})
