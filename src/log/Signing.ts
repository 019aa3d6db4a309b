import { Effect } from "effect"
import { areEqual } from "../domain/log/Bytes.ts"
import { type Checkpoint, checkpointIn, checkpointText } from "../domain/log/Checkpoint.ts"
import { signNote, writeVkey } from "../domain/log/Note.ts"
import { subtreesIn, tilesNeeded } from "../domain/log/Tile.ts"
import { rangeHash } from "../domain/log/Tree.ts"
import { type LogHead, LogHeads, type SignedHead } from "../ledger/LogHeads.ts"
import { type LogName, LogStore } from "../ledger/LogStore.ts"
import { command, Redis } from "../stream/Redis.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { sha256 } from "./Hashes.ts"
import type { SigningKey } from "./Signers.ts"

const fieldOf = ({ number, poll }: LogName): string => `${poll}/${number}`

/**
 * Keeps the latest signed checkpoint of each log in Redis. A database that was restored to an earlier state does not lead on from
 * it, and must not sign a second history.
 */
export const makeLogGuard = Effect.fnUntraced(function* (streamName: string) {
  const redis = yield* Redis
  const store = yield* LogStore
  // Whatever the number of shards is.
  const key = `${streamName}:log`

  /** Returns the root that a log had when it had so many leaves. */
  const rootAt = Effect.fnUntraced(function* (log: LogName, size: number) {
    const names = tilesNeeded(size, (subtree) => rangeHash(sha256, subtree, 0, size))
    const tiles = new Map<string, Uint8Array>()
    for (const { index, level } of names) {
      const tile = yield* store.tile(log, level, index)
      if (tile !== undefined) tiles.set(`${level}/${index}`, tile.bytes)
    }
    const subtrees = subtreesIn(sha256, (level, index) => tiles.get(`${level}/${index}`) ?? new Uint8Array())
    return rangeHash(sha256, subtrees, 0, size)
  })

  return {
    /** Reads the latest checkpoints that were signed of some logs, in their order; to be read before the heads themselves. */
    read: (logs: ReadonlyArray<LogName>) =>
      logs.length === 0
        ? Effect.succeed([])
        : Effect.map(
            command(() => redis.clientOf(key).hmget(key, ...logs.map(fieldOf))),
            (notes) => notes.map((note) => ({ note: note ?? undefined, checkpoint: checkpointIn(note ?? "") }))
          ),
    /** Whether a log leads on from a checkpoint that was signed. */
    leadsOn: Effect.fnUntraced(function* (head: LogHead, known: Checkpoint | undefined) {
      if (known === undefined || known.size === 0) return true
      if (known.size > head.size) return false
      const root = known.size === head.size ? head.root : yield* rootAt(head, known.size)
      return areEqual(root, known.root)
    }),
    /** Keeps a signed checkpoint, before it is published. */
    keep: (head: LogHead, note: string) =>
      command(() => redis.clientOf(key).guardLog(key, fieldOf(head), head.size, note))
  }
})

/** What signing came to: how many heads were signed, and the logs that do not lead on from what was signed before. */
export interface Signed {
  readonly signed: number
  readonly refused: ReadonlyArray<LogHead>
}

/**
 * Makes the function that signs the heads of logs that have grown, and once those that other keys have signed: while one key replaces
 * the other, a log that does not grow has the signatures of both, too.
 */
export const makeSigning = Effect.fnUntraced(function* (keys: ReadonlyArray<SigningKey>) {
  const heads = yield* LogHeads
  const guard = yield* makeLogGuard((yield* StreamSettings).stream)
  const vkeysOf = ({ origin }: LogHead) => keys.map((key) => writeVkey(key(origin)))
  const isOthers = (head: SignedHead) => vkeysOf(head).join() !== head.vkeys.join()
  /** The poll up to which all logs were looked at whether other keys have signed them; undefined once all were. */
  let lookedUpTo: string | undefined = ""

  const due = Effect.gen(function* () {
    const signed = lookedUpTo === undefined ? [] : yield* heads.signedAfter(lookedUpTo)
    const all: ReadonlyArray<LogHead> = [...(yield* heads.unsigned), ...signed.filter(isOthers)]
    return { all, last: signed.at(-1)?.poll }
  })

  return Effect.gen(function* () {
    // A head that is read after what was signed is at least as long.
    const known = new Map<string, Checkpoint | undefined>()
    const { all: before, last } = yield* due
    const kept = yield* guard.read(before)
    for (const [index, head] of before.entries()) known.set(fieldOf(head), kept[index]?.checkpoint)
    const refused: Array<LogHead> = []
    let signed = 0
    for (const head of before.length === 0 ? [] : (yield* due).all) {
      // One that has come in between is for the next time.
      if (!known.has(fieldOf(head))) continue
      if (!(yield* guard.leadsOn(head, known.get(fieldOf(head))))) {
        refused.push(head)
        continue
      }
      const signers = keys.map((key) => key(head.origin))
      const note = signNote(checkpointText(head), signers)
      yield* guard.keep(head, note)
      if (yield* heads.sign(head, note, signers.map(writeVkey))) signed++
    }
    lookedUpTo = last
    return { signed, refused } satisfies Signed
  })
})
