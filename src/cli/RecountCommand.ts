import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { nothingRecounted, type Recounted, recount } from "../consumer/Recount.ts"
import { isStreamId, splitEntryId } from "../domain/Vote.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { announceTo } from "../stream/Announcements.ts"
import { type HeldStream, readHeldStream } from "../stream/HeldEntries.ts"
import { Redis } from "../stream/Redis.ts"
import { makeFence } from "../stream/ReplicatedWrites.ts"
import { usedShards } from "../stream/Shards.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { confirm, yes } from "./Confirm.ts"
import { json } from "./Flags.ts"
import { withProgress } from "./Progress.ts"
import { withLedger } from "./WithServers.ts"

/** Returns where to begin, as XRANGE has it; undefined where the text is none of the forms. */
export const parseFrom = (text: string): string | undefined => {
  if (text === "all") return "-"
  if (isStreamId(text)) return text
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) || ms < 0 ? undefined : `${ms}-0`
}

const timeOf = (id: string): string => {
  const ms = Number(splitEntryId(id).ms)
  return ms > 8.64e15 ? id : `${id} (${new Date(ms).toISOString()})`
}

/** Says from where on a stream can be counted again. */
const describeHeld = ({ entries, first, gone, stream }: HeldStream): string => {
  const where = first === undefined ? "holds no entry" : `begins at ${timeOf(first)} and holds ${entries}`
  const before = gone === 0 ? "none is gone" : `the ${gone} before ${gone === 1 ? "that is" : "those are"} gone`
  return `${stream} ${where}; ${before}.`
}

const describe = ({ counted, dead, entries, known, old, rejected, superseded }: Recounted): string =>
  [
    `Recounted ${entries} entries: ${known} were in the ledger, ${counted} are counted now, ${rejected} rejected, ` +
      `${superseded} superseded, ${dead} dead letters.`,
    ...(old === 0
      ? []
      : [`${old} are from before what the ledger keeps, or of polls deleted since, and are left as they are.`])
  ].join("\n")

const from = Flag.String("from").pipe(
  Flag.withDescription("A time such as 2026-11-24T20:00:00Z, an entry's id, or all: what was accepted from then on")
)

export const recountCommand = Command.make("recount", { from, yes, json }, (given) =>
  withLedger((settings) =>
    Effect.gen(function* () {
      const start = parseFrom(given.from)
      if (start === undefined) {
        const message = "--from must be a time with its zone, such as 2026-11-24T20:00:00Z, an entry's id, or all"
        return yield* new CommandFailed({ message })
      }
      const redis = yield* Redis
      const ledger = yield* Ledger
      const shards = yield* usedShards(redis, settings.streamName, settings.streamShards)
      const held = yield* Effect.forEach(shards, readHeldStream)
      yield* Effect.forEach(held, (stream) => Console.error(describeHeld(stream)), { discard: true })
      const since = start === "-" ? "" : ` from ${timeOf(start)} on`
      yield* confirm(given.yes, `Count again what the streams hold${since}? What the ledger has stays as it is.`)

      const { appendReplicas, consumerGroup: group, maxRetries } = settings
      const options = { group, maxRetries, fence: makeFence(appendReplicas), from: start }
      const sum = yield* withProgress(({ tell }) => {
        const progress = (sum: Recounted, polls: ReadonlySet<string>) =>
          Effect.andThen(
            tell(`Recounting: ${sum.entries} entries, ${sum.known} of them in the ledger`),
            polls.size === 0 ? Effect.void : Effect.ignore(announceTo(redis, settings.streamName, "tally", ...polls))
          )
        return Effect.reduce(
          shards,
          () => nothingRecounted,
          (sum, shard) => recount(ledger, shard, { ...options, progress }, sum)
        )
      })
      yield* Console.log(given.json ? JSON.stringify({ streams: held, ...sum }) : describe(sum))
    })
  )
).pipe(
  Command.withDescription(
    "Count what the streams still hold once more, after PostgreSQL was restored to an earlier point; each vote counts once"
  ),
  Command.withExamples([
    { command: "node dist/main.js recount --from 2026-11-24T20:00:00Z", description: "What was accepted from then on" },
    { command: "node dist/main.js recount --from all --yes", description: "All that is there, without asking" }
  ])
)
