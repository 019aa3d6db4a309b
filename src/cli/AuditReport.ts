import type { AuditedEntry } from "../domain/Vote.ts"
import { isUpTo, placeOf } from "../domain/Vote.ts"
import type { AcceptedDifference } from "../ledger/AcceptedDifferences.ts"
import type { LedgerState } from "../ledger/LedgerBooks.ts"
import type { Original } from "../ledger/Original.ts"
import type { StreamBooks } from "../stream/StreamBooks.ts"

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
  /** The differences that someone has accepted, which are accounted for. */
  readonly accepted: ReadonlyArray<AcceptedReport>
  /** Entries that are nowhere; negative where the ledger holds more than the stream says it ever took. */
  readonly missing: number
  /** The ids of those that can still be named, up to a bound. */
  readonly missing_entries: ReadonlyArray<string>
  /** The ids of the entries that were accepted as missing, and are in the ledger after all. */
  readonly found_entries: ReadonlyArray<string>
  readonly polls: LedgerState["polls"]
  readonly tally_differences: LedgerState["differences"]
}

interface AcceptedReport {
  readonly at: string
  readonly by: string
  readonly reason: string
  readonly up_to: string
  readonly missing: number
  readonly missing_entries: ReadonlyArray<string>
  readonly found_entries: ReadonlyArray<string>
}

/** How many missing entries are named. */
export const mostNamed = 1_000

const sumOf = (counts: ReadonlyArray<number>): number => counts.reduce((sum, count) => sum + count, 0)

/**
 * Compares the stream's books with the ledger's. An entry that was accepted as missing and is in the ledger after all is a
 * difference by itself; `missing` are the others.
 */
export const compareBooks = (
  stream: StreamBooks,
  ledger: LedgerState,
  lost: ReadonlyArray<AuditedEntry> = []
): AuditReport => {
  const nameOf = (entry: AuditedEntry) => (stream.streams.length === 1 ? entry.entry_id : placeOf(entry))
  const accepted = ledger.accepted.filter((difference) => isUpTo(difference, stream.cut))
  const accounted =
    sumOf([
      ...Object.values(ledger.rows),
      ...Object.values(ledger.dropped),
      ...accepted.map(({ missing }) => missing)
    ]) +
    ledger.duplicates +
    (ledger.original?.entries ?? 0) +
    ledger.pending
  const missing = stream.added - accounted + ledger.found.length
  const toReport = ({ at, by, foundEntries, missingEntries, ms, reason, seq, ...difference }: AcceptedDifference) => ({
    at: at.toISOString(),
    by,
    reason,
    up_to: `${ms}-${seq}`,
    missing: difference.missing,
    missing_entries: missingEntries.map(nameOf),
    found_entries: foundEntries.map(nameOf)
  })
  return {
    ok: missing === 0 && ledger.found.length === 0 && ledger.differences.length === 0,
    up_to: stream.cut.id,
    streams: stream.streams,
    appended: stream.added,
    ledger_rows: ledger.rows,
    duplicate_entries: ledger.duplicates,
    ...(ledger.original === undefined ? {} : { imported: importedOf(ledger.original) }),
    dropped: ledger.dropped,
    pending: ledger.pending,
    accepted: accepted.map(toReport),
    missing,
    missing_entries: lost.map(nameOf),
    found_entries: ledger.found.map(nameOf),
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

const named = (word: string, ids: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...ids.slice(0, 20).map((id) => `  ${word}: ${id}`),
  ...(ids.length > 20 ? [`  and so on; --json has ${ids.length} of them`] : [])
]

const entries = (count: number): string => (count === 1 ? "1 entry" : `${count} entries`)

const describeAccepted = ({ at, by, missing, reason, up_to }: AcceptedReport): string => {
  const what = missing < 0 ? `${entries(-missing)} too many` : `${entries(missing)} missing`
  return `Accepted: ${what} up to ${up_to}, by ${by} at ${at}: ${reason}`
}

/** Writes the report for people: the verdict, and then what differs or was accepted; `all` has the rest of the books too. */
export const describeReport = (report: AuditReport, all = false): string => {
  const { found_entries: found, missing } = report
  const lines = [
    report.ok ? "All is accounted for." : "NOT all is accounted for.",
    ...report.tally_differences.map(
      ({ ledger, name, poll, stays, tally }) =>
        `DIFFERENCE: ${poll}/${name} has ${tally} in the tally and ${ledger} in the ledger; --rebuild ${stays ? "leaves" : "corrects"} it`
    )
  ]
  if (found.length > 0)
    lines.push(`DIFFERENCE: accepted as missing, and in the ledger after all: ${entries(found.length)}`)
  lines.push(...named("found", found))
  if (missing > 0) lines.push(`LOST: ${entries(missing)} neither in the ledger nor pending`)
  if (missing < 0) {
    lines.push(
      `DIFFERENCE: the ledger holds ${entries(-missing)} more than the stream ever took: Redis was emptied or restored`
    )
  }
  lines.push(...named("lost", report.missing_entries), ...report.accepted.map(describeAccepted))
  return [...lines, ...(all ? describeBooks(report) : [])].join("\n")
}

const describeBooks = ({ imported, ...report }: AuditReport): ReadonlyArray<string> => {
  const accepted = sumOf(report.accepted.map((difference) => difference.missing))
  return [
    `Books up to entry ${report.up_to}${report.streams.length > 1 ? ` of ${report.streams.join(", ")}` : ""}`,
    `  entries appended    ${report.appended}`,
    ...Object.entries(report.ledger_rows).map(([status, count]) => `  ledger: ${status.padEnd(11)} ${count}`),
    `  duplicate entries   ${report.duplicate_entries}`,
    ...(imported === undefined ? [] : [`  imported            ${imported.entries}`]),
    ...Object.entries(report.dropped).map(([status, count]) => `  dropped: ${status.padEnd(10)} ${count}`),
    `  pending             ${report.pending}`,
    ...(report.accepted.length === 0 ? [] : [`  accepted as missing ${accepted}`]),
    ...(imported === undefined
      ? []
      : [`Imported from ${imported.from} at ${imported.at}: ${imported.votes} votes, of ${entries(imported.entries)}`]),
    ...report.polls.map(
      ({ ledger, poll, tally }) => `Poll ${poll}: ${tally} in the tally, ${ledger} counted in the ledger`
    )
  ]
}
