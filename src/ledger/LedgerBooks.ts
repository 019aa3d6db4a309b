import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { type Acceptance, type AuditedEntry, isUpTo, placeOf } from "../domain/Vote.ts"
import { absentOf } from "./AbsentEntries.ts"
import { type AcceptedDifference, acceptedDifferences, namedMissing } from "./AcceptedDifferences.ts"
import { findOriginal, type Original } from "./Original.ts"
import { int8 } from "./Parameters.ts"
import { countedVotes, type TallyDifference, tallyDifferences } from "./TallyBooks.ts"
import { inSnapshot } from "./Transaction.ts"

/** What the ledger holds up to a cut, at one moment. */
export interface LedgerState {
  /** Ledger rows by status. */
  readonly rows: Readonly<Record<string, number>>
  readonly duplicates: number
  /** What was taken over from the original; its votes are among those that the ledger counts. */
  readonly original: Original | undefined
  /** Rows and duplicates that were dropped as older than the ledger keeps, by status. */
  readonly dropped: Readonly<Record<string, number>>
  /** Counted votes by poll, according to the tally and to the ledger. */
  readonly polls: ReadonlyArray<{ readonly poll: string; readonly tally: number; readonly ledger: number }>
  readonly differences: ReadonlyArray<TallyDifference>
  /** How many of the unacked entries the ledger does not hold. */
  readonly pending: number
  /** All differences that were accepted, those of a later cut too. */
  readonly accepted: ReadonlyArray<AcceptedDifference>
  /** The entries that are accepted as missing up to the cut, by name, and those of them that the ledger holds after all. */
  readonly named: ReadonlyArray<AuditedEntry>
  readonly found: ReadonlyArray<AuditedEntry>
}

/**
 * Reads the ledger's side of the books, all in one snapshot: the entries accepted up to `cut`, all tallies, and which of the
 * `unacked` entries it does not hold.
 */
export const readLedger = (cut: Acceptance, unacked: ReadonlyArray<AuditedEntry>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const upToCut = sql`(accepted_ms, accepted_seq) <= (${int8(cut.ms)}, ${int8(cut.seq)})`
    return yield* inSnapshot(sql)(
      Effect.gen(function* () {
        const votes = yield* sql<{ status: string; recorded: string; all: bigint; up_to_cut: bigint }>`
          select status, recorded, count(*) as all, count(*) filter (where ${upToCut}) as up_to_cut
          from vote group by status, recorded`
        const [duplicates] = yield* sql<{ count: bigint }>`
          select count(*) as count from duplicate_entry where ${upToCut}`
        const archive = yield* sql<{ status: string; count: bigint }>`
          select status, sum(votes)::bigint as count from ledger_archive where status <> 'imported' group by status`
        const displaced = yield* sql<{ status: string; count: bigint }>`
          select case ballot when 'once' then 'rejected' else 'superseded' end as status, sum(votes)::bigint as count
          from displaced join poll on slug = poll group by 1`
        // Those that are not here were dropped, as votes that count.
        const here = votes.filter(({ recorded, status }) => status !== recorded)
        const left = [...displaced, ...here.map(({ all, status }) => ({ status, count: -all }))]
        const polls = yield* sql<{ poll: string; tally: bigint; ledger: bigint }>`
          select slug as poll, coalesce(t.count, 0)::bigint as tally, coalesce(v.count, 0)::bigint as ledger
          from poll
          left join (select poll, sum(count) as count from choice_tally group by poll) t on t.poll = slug
          left join (select poll, sum(count) as count from (${countedVotes(sql)}) c group by poll) v on v.poll = slug
          order by slug`
        const accepted = yield* acceptedDifferences
        const named = namedMissing(accepted.filter((difference) => isUpTo(difference, cut)))
        const stillMissing = new Set((yield* absentOf(named)).map(placeOf))
        return {
          rows: sums(votes.map((of) => [of.status, of.up_to_cut])),
          duplicates: Number(duplicates?.count ?? 0),
          original: yield* findOriginal,
          dropped: sums([
            ...archive.map((of) => [of.status, of.count] as const),
            ...left.flatMap((of) => [[of.status, of.count] as const, ["counted", -of.count] as const])
          ]),
          polls: polls.map((row) => ({ ...row, tally: Number(row.tally), ledger: Number(row.ledger) })),
          differences: yield* tallyDifferences,
          pending: (yield* absentOf(unacked)).length,
          accepted,
          named,
          found: named.filter((entry) => !stillMissing.has(placeOf(entry)))
        } satisfies LedgerState
      })
    )
  })

/** Adds up numbers by name, in the names' order and without those that come to 0. */
const sums = (numbers: ReadonlyArray<readonly [name: string, number: bigint]>): Record<string, number> => {
  const all = new Map<string, bigint>()
  for (const [name, number] of numbers) all.set(name, (all.get(name) ?? 0n) + number)
  return Object.fromEntries(
    [...all]
      .filter(([, sum]) => sum !== 0n)
      .map(([name, sum]) => [name, Number(sum)])
      .sort()
  )
}
