import { Array, Console, Effect, type Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { defaultPoll } from "../domain/Poll.ts"
import type { AuditedEntry } from "../domain/Vote.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { bookOriginal, findOriginal, type Original } from "../ledger/Original.ts"
import { announceTo } from "../stream/Announcements.ts"
import { command, isGroupGone, Redis } from "../stream/Redis.ts"
import { type AuditSettings, audit } from "./AuditCommand.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { namesOf, readOriginalCounts } from "./OriginalCounts.ts"
import { withProgress } from "./Progress.ts"
import { withLedger } from "./WithServers.ts"

export interface OriginalPlace {
  readonly from: Redacted.Redacted
  readonly table: string
  /** The group of the stream that the original's consumer was. */
  readonly group: string
}

/**
 * Takes over what the original has counted, unless that was done before. Its consumer must have stopped. Returns what was
 * taken over, and whether it was just now.
 */
export const importOriginal = Effect.fnUntraced(function* (
  settings: Omit<AuditSettings, "consumerGroup">,
  { from, group, table }: OriginalPlace
) {
  const ledger = yield* Ledger
  yield* ledger.migrated
  const before = yield* findOriginal
  if (before !== undefined) return { original: before, isNew: false }

  const { counts, source } = yield* withProgress(({ during }) =>
    during("Reading the original's counts", readOriginalCounts(from, table))
  )
  const known = (yield* ledger.tally(defaultPoll.slug))?.options.map(({ option }) => option) ?? []
  const unknown = counts.filter(({ option }) => !known.includes(option))
  if (unknown.length > 0) {
    const message = `Nothing is taken over: the poll ${defaultPoll.slug} has no option ${namesOf(unknown)}`
    return yield* new CommandFailed({ message })
  }

  const books = { ...settings, consumerGroup: group }
  yield* expectGroup(books)
  // What was acked by the original's group and is not in the ledger, the original has counted.
  const { lost, report } = yield* audit(books, Number.POSITIVE_INFINITY)
  yield* removeEntries(lost)
  const isNew = yield* bookOriginal(counts, { source, entries: Math.max(report.missing, 0) })
  if (isNew) yield* announceTo(yield* Redis, settings.streamName, "tally", defaultPoll.slug)
  const original = yield* findOriginal
  return { original: original ?? (yield* Effect.die(new Error("What was just booked is not there"))), isNew }
})

/** Fails where the stream has no such group: then all entries would be taken for votes that are still to be counted. */
const expectGroup = Effect.fnUntraced(function* ({ consumerGroup, streamName }: AuditSettings) {
  const client = (yield* Redis).clientOf(streamName)
  if ((yield* command(() => client.exists(streamName))) === 0) return
  yield* command(() => client.xpending(streamName, consumerGroup)).pipe(
    Effect.catchIf(isGroupGone, () => {
      const message = `Nothing is taken over: the stream ${streamName} has no group ${consumerGroup}; --group names the original's`
      return new CommandFailed({ message })
    })
  )
})

/**
 * Removes entries that the original has counted. Nothing in the ledger would tell them from new ones, if a group reads the
 * stream from its beginning once more. They go before the counts are booked: if that fails, a second try finds the same, since
 * Redis goes on counting them among those that were ever appended.
 */
const removeEntries = Effect.fnUntraced(function* (entries: ReadonlyArray<AuditedEntry>) {
  const redis = yield* Redis
  const pages = Object.entries(Array.groupBy(entries, (entry) => entry.stream)).flatMap(([stream, some]) =>
    Array.chunksOf(some, page).map((ids) => ({ stream, ids }))
  )
  yield* withProgress(({ tell }) =>
    Effect.forEach(
      pages,
      ({ ids, stream }, index) =>
        Effect.andThen(
          tell(`Removing what was counted: ${index * page} of ${entries.length} entries`),
          command(() => redis.clientOf(stream).xdel(stream, ...ids.map(({ entry_id }) => entry_id)))
        ),
      { discard: true }
    )
  )
})

/** How many entries are removed at once. */
const page = 1_000

/** Says what was taken over from where. */
const describe = ({ entries, importedAt, source, votes }: Original): string =>
  `${votes} votes of ${defaultPoll.slug} from ${source}, on ${importedAt.toISOString()}, with ${entries} entries of the stream`

const flags = {
  from: Flag.Redacted("from").pipe(Flag.withDescription("The URL of the original's PostgreSQL")),
  table: Flag.String("table").pipe(
    Flag.withDescription("Its table with the columns option and count (votes)"),
    Flag.withDefault("votes")
  ),
  group: Flag.String("group").pipe(
    Flag.withDescription("The group of the stream that its consumer was (vote-processors)"),
    Flag.withDefault("vote-processors")
  )
}

export const importOriginalCommand = Command.make("import-original", flags, (place) =>
  withLedger((settings) =>
    Effect.gen(function* () {
      const { isNew, original } = yield* importOriginal(settings, place)
      yield* Console.log(`${isNew ? "Taken over:" : "Nothing is done: taken over already,"} ${describe(original)}`)
      if (isNew && original.votes !== original.entries) {
        yield* Console.error(
          "The two numbers differ: the original has counted entries twice or not at all, or its stream was trimmed or emptied."
        )
      }
    })
  )
).pipe(
  Command.withDescription(
    "Take over, once, what the system that tallykeep replaces has counted; stop its consumer before"
  )
)
