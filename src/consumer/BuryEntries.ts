import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { maxChoiceLength } from "../domain/Rules.ts"
import { acceptanceOf } from "../domain/Vote.ts"
import type { DeadEntry, Ledger } from "../ledger/Ledger.ts"
import { type Connection, command } from "../stream/Redis.ts"
import { entryVoteId, fieldsByName } from "../stream/VoteEntry.ts"
import type { Entry } from "./EntryBatch.ts"

/** An entry that can't be counted, and why. */
export interface HopelessEntry {
  readonly entry: Entry
  readonly reason: string
}

/** How many entries, and how many characters of them, are buried at once, but for one that alone is larger. */
const mostEntries = 1_000
const mostText = 4 * 2 ** 20

/**
 * How many characters of a poll's name are kept: one more than a name may have, so that what is cut is taken for no other poll's. The
 * ledger's archive has an index of them, which takes no long text.
 */
const mostOfPoll = 65

/** How many of them the log names. */
const named = 5

/**
 * Buries entries, many in one round trip: whoever fills the stream with entries that are no votes must not hold up the votes
 * behind them. Says so in one line, and returns how many there were; the others were in the ledger before.
 */
export const buryEntries = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  client: Connection,
  { group, stream }: { readonly group: string; readonly stream: string },
  dead: ReadonlyArray<HopelessEntry>
): Effect.fn.Return<number, OutOfService> {
  const buried: Array<DeadEntry> = []
  yield* Effect.forEach(
    portionsOf(dead),
    (portion) =>
      Effect.gen(function* () {
        const letters = yield* lettersOf(client, group, stream, portion)
        for (const letter of yield* ledger.bury(letters)) buried.push(letter)
      }),
    { discard: true }
  ).pipe(Effect.ensuring(Effect.suspend(() => logBuried(stream, buried))))
  return buried.length
})

/** Divides entries into portions, each small enough for one round trip. */
const portionsOf = (dead: ReadonlyArray<HopelessEntry>): ReadonlyArray<ReadonlyArray<HopelessEntry>> => {
  const portions: Array<Array<HopelessEntry>> = []
  let room = 0
  for (const one of dead) {
    const text = (one.entry.fields ?? []).reduce((sum, field) => sum + field.length, 0)
    const last = portions.at(-1)
    if (last === undefined || last.length === mostEntries || text > room) {
      portions.push([one])
      room = mostText - text
    } else {
      last.push(one)
      room -= text
    }
  }
  return portions
}

/** Makes the dead letters of entries. Their fields are read again: those that are no UTF-8 lost bytes when they became text. */
const lettersOf = (client: Connection, group: string, stream: string, dead: ReadonlyArray<HopelessEntry>) =>
  Effect.map(
    // Sent together, they are one write to the socket.
    command(() =>
      Promise.all(
        dead.map(({ entry: { id } }) =>
          Promise.all([client.xrangeBuffer(stream, id, id), client.xpending(stream, group, id, id, 1)])
        )
      )
    ),
    (found) =>
      dead.map(({ entry, reason }, index): DeadEntry => {
        const [[raw], [pending]] = found[index] ?? [[], []]
        const flat = entry.fields ?? []
        const fields = fieldsByName(flat)
        return {
          voteId: entryVoteId(stream, entry.id, flat),
          poll: storable(fields.poll, mostOfPoll),
          choice: storable(fields.option),
          ...acceptanceOf(entry.id),
          reason: storable(reason) ?? "undecodable",
          stream,
          entryId: entry.id,
          deliveries: BigInt(deliveriesOf(pending)),
          fields: raw?.[1] ?? flat.map((field) => Buffer.from(field))
        }
      })
  )

/** Returns how often an entry was delivered, from its row in XPENDING's answer: id, consumer, idle ms, deliveries. */
const deliveriesOf = (row: unknown): number => (Array.isArray(row) && typeof row[3] === "number" ? row[3] : 1)

/**
 * Returns a text as the ledger's columns, logs and terminals can have it: without characters that control something, NUL among
 * them, and no longer than a choice may be, or than it is said.
 */
const storable = (text: string | undefined, most = maxChoiceLength): string | null =>
  text === undefined ? null : text.slice(0, most).replace(/\p{C}/gu, "\uFFFD")

const logBuried = (stream: string, buried: ReadonlyArray<DeadEntry>): Effect.Effect<void> => {
  const [first] = buried
  if (first === undefined) return Effect.void
  const { poll, reason, voteId } = first
  if (buried.length === 1) {
    const line = Effect.logWarning(`Entry ${first.entryId} of ${stream} is a dead letter: ${reason}`)
    return Effect.annotateLogs(line, { vote_id: voteId, ...(poll === null ? {} : { poll }) })
  }
  const ids = buried.slice(0, named).map(({ entryId }) => entryId)
  const more = buried.length > named ? " and so on" : ""
  return Effect.logWarning(
    `${buried.length} entries of ${stream} are dead letters: ${ids.join(", ")}${more}. The first of them: ${reason}`
  )
}
