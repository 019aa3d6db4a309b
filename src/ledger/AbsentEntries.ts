import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { type AuditedEntry, acceptanceOf } from "../domain/Vote.ts"
import { column } from "./Parameters.ts"

/** How many entries are looked up at once. */
const portion = 10_000

/** Returns those of the entries that the ledger does not hold. */
export const absentOf = Effect.fnUntraced(function* (entries: ReadonlyArray<AuditedEntry>) {
  const sql = yield* SqlClient.SqlClient
  const absent: Array<AuditedEntry> = []
  for (let from = 0; from < entries.length; from += portion) {
    const some = entries.slice(from, from + portion)
    const rows = yield* sql<{ place: bigint }>`
      select e.place
      from unnest(
        ${column(some, "uuid", (entry) => entry.vote_id)},
        ${column(some, "int8", (entry) => acceptanceOf(entry.entry_id).ms)},
        ${column(some, "int8", (entry) => acceptanceOf(entry.entry_id).seq)}
      ) with ordinality as e (vote_id, ms, seq, place)
      where not exists (
        select from vote_event v
        where v.vote_id = e.vote_id and (v.accepted_ms, v.accepted_seq) = (e.ms, e.seq)
      ) and not exists (
        select from duplicate_entry d
        where d.vote_id = e.vote_id and (d.accepted_ms, d.accepted_seq) = (e.ms, e.seq)
      )
      order by e.place`
    for (const { place } of rows) absent.push(...some.slice(Number(place) - 1, Number(place)))
  }
  return absent
})

/** Returns those of the entries that the ledger would hold if it had been given them. */
export const lostOf = Effect.fnUntraced(function* (entries: ReadonlyArray<AuditedEntry>) {
  const absent = yield* absentOf(entries)
  if (absent.length === 0) return absent
  const sql = yield* SqlClient.SqlClient
  const [horizon] = yield* sql<{ id: string }>`select vote_id_at(ledger_horizon())::text as id`
  return absent.filter((entry) => entry.vote_id >= (horizon?.id ?? ""))
})
