import { hostname, userInfo } from "node:os"
import { Console, Data, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type AuditedEntry, placeOf } from "../domain/Vote.ts"
import { lostOf } from "../ledger/AbsentEntries.ts"
import { acceptDifference } from "../ledger/AcceptedDifferences.ts"
import { readLedger } from "../ledger/LedgerBooks.ts"
import { rebuildTallies } from "../ledger/TallyBooks.ts"
import { Redis } from "../stream/Redis.ts"
import { usedShards } from "../stream/Shards.ts"
import { findAcked, readStreams } from "../stream/StreamBooks.ts"
import { compareBooks, describeReport, mostNamed } from "./AuditReport.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { toggle } from "./Flags.ts"
import { withProgress } from "./Progress.ts"
import { type CommandSettings, withLedger } from "./WithServers.ts"

export type AuditSettings = Pick<CommandSettings, "consumerGroup" | "streamName" | "streamShards">

/** The audit has run, and the books differ: the report says how. */
export class BooksDiffer extends Data.TaggedError("BooksDiffer") {
  override readonly message = ""
}

/** Compares the books. Where entries are missing, it looks for the names of `most` of them among what the streams hold. */
export const audit = Effect.fnUntraced(function* (settings: AuditSettings, most = mostNamed) {
  const redis = yield* Redis
  const shards = yield* usedShards(redis, settings.streamName, settings.streamShards)
  return yield* withProgress((progress) =>
    Effect.gen(function* () {
      const read = (what: string) => (entries: number) => progress.tell(`${what}: ${entries} entries`)
      const stream = yield* readStreams(shards, settings.consumerGroup, read("Reading what waits in the stream"))
      const ledger = yield* progress.during("Reading the ledger", readLedger(stream.cut, stream.unacked))
      const counts = compareBooks(stream, ledger)
      const named = new Set(ledger.named.map(placeOf))
      const looking = read("Looking for what is missing in the stream")
      const lost =
        counts.missing <= 0
          ? []
          : yield* findAcked(shards, stream, Math.min(counts.missing, most), (entries, seen) =>
              Effect.andThen(
                looking(seen),
                Effect.map(lostOf(entries), (some) => some.filter((entry) => !named.has(placeOf(entry))))
              )
            )
      return { stream, ledger, lost, report: compareBooks(stream, ledger, lost) }
    })
  )
})

/** What an audit has found, with the sides that it compared. */
type Audited = Effect.Success<ReturnType<typeof audit>>

/** Writes what an audit has found into the books as accepted. */
export const accept = Effect.fnUntraced(function* (
  { ledger, lost, report, stream }: Audited,
  given: { readonly by: string; readonly reason: string }
) {
  if (report.tally_differences.length > 0) {
    const message = report.tally_differences.every(({ stays }) => stays)
      ? "Nothing is accepted: rows of the ledger are not as the polls' rules have them, which only who changed them can correct"
      : "Nothing is accepted: tallies differ from the ledger, which audit --rebuild corrects"
    return yield* new CommandFailed({ message })
  }
  if (report.ok) return yield* new CommandFailed({ message: "There is nothing to accept: all is accounted for" })
  const found: ReadonlyArray<AuditedEntry> = ledger.found
  const missing = report.missing - found.length
  const { ms, seq } = stream.cut
  const difference = { ...given, ms, seq, missing, missingEntries: lost, foundEntries: found }
  if (!(yield* acceptDifference(difference, ledger.accepted.length))) {
    return yield* new CommandFailed({ message: "Another difference was accepted meanwhile; nothing was written" })
  }
})

const json = toggle("json", "Print the report as JSON")
const all = toggle("all", "Print all of the books, and not only what differs")
const rebuild = toggle("rebuild", "First make the tallies anew from the ledger, in one transaction")

/** The user at this host; a container's user may have no name. */
const whoever = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    return `${process.getuid?.() ?? "unknown"}@${hostname()}`
  }
}

const isOneLine = (text: string): boolean => /^[^\p{Cc}]{1,500}$/u.test(text) && text.trim() !== ""

const acceptCommand = Command.make(
  "accept",
  {
    reason: Flag.String("reason").pipe(Flag.withDescription("Why the difference is all right, in one line")),
    by: Flag.String("by").pipe(
      Flag.withDescription("Who accepts it; the user at this host unless given"),
      Flag.optional
    ),
    json
  },
  (given) =>
    withLedger((settings) =>
      Effect.gen(function* () {
        const by = Option.getOrElse(given.by, whoever)
        if (!isOneLine(given.reason) || !isOneLine(by)) {
          return yield* new CommandFailed({ message: "--reason and --by must be a line of 1 to 500 characters" })
        }
        yield* accept(yield* audit(settings), { by, reason: given.reason })
        const { report } = yield* audit(settings)
        yield* Console.log(given.json ? JSON.stringify(report) : describeReport(report))
        if (!report.ok) return yield* new BooksDiffer()
      })
    )
).pipe(
  Command.withDescription(
    "Write the difference that the audit finds into the books, with who accepted it and why: from then on it is accounted for"
  ),
  Command.withExamples([
    {
      command: 'node dist/main.js audit accept --reason "Redis failed over at 14:02, 3 votes lost"',
      description: "After the difference was looked into"
    }
  ])
)

export const auditCommand = Command.make("audit", { json, all, rebuild }, (flags) =>
  withLedger((settings) =>
    Effect.gen(function* () {
      if (flags.rebuild) {
        const changed = yield* withProgress((progress) => progress.during("Rebuilding the tallies", rebuildTallies))
        yield* Console.error(`Rebuilt the tallies from the ledger: ${changed} were wrong`)
      }
      const { report } = yield* audit(settings)
      yield* Console.log(flags.json ? JSON.stringify(report) : describeReport(report, flags.all))
      if (!report.ok) return yield* new BooksDiffer()
    })
  )
).pipe(
  Command.withDescription(
    "Check that every entry ever appended is in the ledger or pending, and every tally equal to its ledger rows; say so, and what differs"
  ),
  Command.withSubcommands([acceptCommand])
)
