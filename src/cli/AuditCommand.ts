import { Console, Data, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Ledger } from "../ledger/Ledger.ts"
import { type LedgerState, readLedger, rebuildTallies } from "../ledger/LedgerBooks.ts"
import type { Original } from "../ledger/Original.ts"
import { Redis } from "../stream/Redis.ts"
import { usedShards } from "../stream/Shards.ts"
import { readStreams, type StreamBooks } from "../stream/StreamBooks.ts"
import { type CommandSettings, withServers } from "./WithServers.ts"

/** What the audit found, in entries and votes, up to the stream's last entry when the audit began. */
export interface AuditReport {
  readonly ok: boolean
  /** The cut, as an entry id. */
  readonly up_to: string
  readonly streams: ReadonlyArray<string>
  readonly appended: number
  readonly ledger_rows: Readonly<Record<string, number>>
  readonly duplicate_entries: number
  /** What was taken over from the original: the votes, and the entries of the stream that it had counted. */
  readonly imported?: { readonly from: string; readonly at: string; readonly votes: number; readonly entries: number }
  /** Ledger rows, by status, and `duplicate` entries, all dropped after LEDGER_RETENTION. */
  readonly dropped: Readonly<Record<string, number>>
  readonly pending: number
  /** Entries that are nowhere; negative where the ledger holds more than the stream says it ever took. */
  readonly missing: number
  /** The ids of those that can still be named. */
  readonly missing_entries: ReadonlyArray<string>
  readonly polls: LedgerState["polls"]
  readonly tally_differences: LedgerState["differences"]
}

const absentEntries = (stream: StreamBooks, ledger: LedgerState) =>
  ledger.absent.flatMap((index) => stream.held[index] ?? [])

/** Returns the entries that the streams hold, that were acked, and that the ledger does not hold. */
const lostEntries = (stream: StreamBooks, ledger: LedgerState) =>
  absentEntries(stream, ledger).filter(({ unacked }) => !unacked)

/** Compares the stream's books with the ledger's. */
export const compareBooks = (stream: StreamBooks, ledger: LedgerState): AuditReport => {
  const pending = absentEntries(stream, ledger).filter(({ unacked }) => unacked).length
  const rows = [ledger.rows, ledger.dropped]
    .flatMap((part) => Object.values(part))
    .reduce((sum, count) => sum + count, 0)
  const { original } = ledger
  const missing = stream.added - rows - ledger.duplicates - (original?.entries ?? 0) - pending
  return {
    ok: missing === 0 && ledger.differences.length === 0,
    up_to: `${stream.cut.ms}-${stream.cut.seq}`,
    streams: stream.streams,
    appended: stream.added,
    ledger_rows: ledger.rows,
    duplicate_entries: ledger.duplicates,
    ...(original === undefined ? {} : { imported: importedOf(original) }),
    dropped: ledger.dropped,
    pending,
    missing,
    missing_entries: lostEntries(stream, ledger).map((entry) =>
      stream.streams.length === 1 ? entry.entryId : `${entry.entryId} of ${entry.stream}`
    ),
    polls: ledger.polls,
    tally_differences: ledger.differences
  }
}

const importedOf = ({ entries, importedAt, source, votes }: Original) => ({
  from: source,
  at: importedAt.toISOString(),
  votes,
  entries
})

const describe = (report: AuditReport): string => {
  const { imported } = report
  const lines = [
    `Books up to entry ${report.up_to}${report.streams.length > 1 ? ` of ${report.streams.join(", ")}` : ""}`,
    `  entries appended    ${report.appended}`,
    ...Object.entries(report.ledger_rows).map(([status, count]) => `  ledger: ${status.padEnd(11)} ${count}`),
    `  duplicate entries   ${report.duplicate_entries}`,
    ...(imported === undefined ? [] : [`  imported            ${imported.entries}`]),
    ...Object.entries(report.dropped).map(([status, count]) => `  dropped: ${status.padEnd(10)} ${count}`),
    `  pending             ${report.pending}`,
    ...(imported === undefined
      ? []
      : [`Imported from ${imported.from} at ${imported.at}: ${imported.votes} votes, of ${imported.entries} entries`]),
    ...report.polls.map(
      ({ ledger, poll, tally }) => `Poll ${poll}: ${tally} in the tally, ${ledger} counted in the ledger`
    )
  ]
  for (const { ledger, option, poll, tally } of report.tally_differences) {
    lines.push(
      `DIFFERENCE: ${poll}/${option} has ${tally} in the tally and ${ledger} in the ledger; --rebuild corrects it`
    )
  }
  if (report.missing > 0) lines.push(`LOST: ${report.missing} entries are neither in the ledger nor pending`)
  if (report.missing < 0) {
    lines.push(
      `DIFFERENCE: the ledger holds ${-report.missing} entries more than the stream ever took: Redis was emptied or restored`
    )
  }
  for (const id of report.missing_entries.slice(0, 20)) lines.push(`  lost: ${id}`)
  lines.push(report.ok ? "All is accounted for." : "NOT all is accounted for.")
  return lines.join("\n")
}

export type AuditSettings = Pick<CommandSettings, "consumerGroup" | "streamName" | "streamShards">

/** Compares the books of the streams with the ledger's; names the entries that were acked, and are not in the ledger. */
export const audit = Effect.fnUntraced(function* (settings: AuditSettings) {
  const shards = yield* usedShards(yield* Redis, settings.streamName, settings.streamShards)
  const stream = yield* readStreams(shards, settings.consumerGroup)
  const ledger = yield* readLedger(stream.cut, stream.held)
  return { lost: lostEntries(stream, ledger), report: compareBooks(stream, ledger) }
})

/** The audit has run, and the books differ: the report says how. */
export class BooksDiffer extends Data.TaggedError("BooksDiffer") {
  override readonly message = ""
}

/** Audits a database that has what this version needs. */
const audited = <A, E, R>(body: (settings: CommandSettings) => Effect.Effect<A, E, R>) =>
  withServers((settings) =>
    Effect.andThen(
      Effect.flatMap(Ledger, ({ migrated }) => migrated),
      body(settings)
    ).pipe(Effect.provide(Ledger.layer))
  )

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print the report as JSON"), Flag.withDefault(false))

const rebuild = Flag.Boolean("rebuild").pipe(
  Flag.withDescription("First make the tallies anew from the ledger, in one transaction"),
  Flag.withDefault(false)
)

export const auditCommand = Command.make("audit", { json, rebuild }, (flags) =>
  audited((settings) =>
    Effect.gen(function* () {
      if (flags.rebuild) {
        const changed = yield* rebuildTallies
        yield* Console.error(`Rebuilt the tallies from the ledger: ${changed} were wrong`)
      }
      const { report } = yield* audit(settings)
      yield* Console.log(flags.json ? JSON.stringify(report) : describe(report))
      if (!report.ok) return yield* new BooksDiffer()
    })
  )
).pipe(
  Command.withDescription(
    "Check that every entry ever appended is in the ledger or pending, and every tally equal to its ledger rows"
  )
)
