import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type Acceptance, AuditedEntry, placeOf } from "../domain/Vote.ts"
import { int8 } from "./Parameters.ts"
import { inTransaction } from "./Transaction.ts"

/** What someone accepts: a difference that an audit has found, and why it is all right. */
export interface Difference extends Acceptance {
  readonly by: string
  readonly reason: string
  /** How many entries are nowhere; negative where the ledger holds more than the stream ever took. */
  readonly missing: number
  /** Those of them that can be named, and of the ones accepted before those that the ledger holds after all. */
  readonly missingEntries: ReadonlyArray<AuditedEntry>
  readonly foundEntries: ReadonlyArray<AuditedEntry>
}

/** A difference that was accepted, when by the database's clock. */
export interface AcceptedDifference extends Difference {
  readonly at: Date
}

const Entries = Schema.fromJsonString(Schema.Array(AuditedEntry))

const Row = Schema.Struct({
  at: Schema.Date,
  by: Schema.String,
  reason: Schema.String,
  missing: Schema.BigInt,
  ms: Schema.BigInt,
  seq: Schema.BigInt,
  missing_entries: Entries,
  found_entries: Entries
})

const decode = Schema.decodeUnknownEffect(Schema.Array(Row))

/** The differences that were accepted so far, the first one first. */
export const acceptedDifferences = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    select recorded_at as at, recorded_by as by, reason, missing, cut_ms as ms, cut_seq as seq,
      missing_entries::text, found_entries::text
    from accepted_difference order by id`
  return (yield* Effect.orDie(decode(rows))).map(
    ({ found_entries, missing, missing_entries, ...row }): AcceptedDifference => ({
      ...row,
      missing: Number(missing),
      missingEntries: missing_entries,
      foundEntries: found_entries
    })
  )
})

/** Returns the named entries that are accepted as missing, without those that were found again since. */
export const namedMissing = (accepted: ReadonlyArray<AcceptedDifference>): ReadonlyArray<AuditedEntry> => {
  const named = new Map<string, AuditedEntry>()
  for (const { foundEntries, missingEntries } of accepted) {
    for (const entry of missingEntries) named.set(placeOf(entry), entry)
    for (const entry of foundEntries) named.delete(placeOf(entry))
  }
  return [...named.values()]
}

/** Writes a difference into the books, unless another one was since an audit read `seen` of them. Returns whether it did. */
export const acceptDifference = (difference: Difference, seen: number) =>
  Effect.gen(function* () {
    const { by, foundEntries, missing, missingEntries, ms, reason, seq } = difference
    const sql = yield* SqlClient.SqlClient
    return yield* inTransaction(sql)(
      Effect.gen(function* () {
        yield* sql`lock table accepted_difference in share row exclusive mode`
        const written = yield* sql`
          insert into accepted_difference
            (recorded_by, reason, missing, cut_ms, cut_seq, missing_entries, found_entries)
          select ${PgTypes.text(by)}, ${PgTypes.text(reason)}, ${int8(missing)}, ${int8(ms)}, ${int8(seq)},
            ${PgTypes.text(JSON.stringify(missingEntries))}::jsonb, ${PgTypes.text(JSON.stringify(foundEntries))}::jsonb
          where ${int8(seen)} = (select count(*) from accepted_difference)
          returning id`
        return written.length > 0
      })
    )
  })
