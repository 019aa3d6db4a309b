import { PgTypes } from "@effect/sql-pg"
import { Context, type Duration, Effect, Fiber, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { OutOfService } from "../domain/Problems.ts"
import type { Tally } from "../domain/Tally.ts"
import type { Acceptance, VoteStatus } from "../domain/Vote.ts"
import { outOfService, within } from "./Bounded.ts"
import { keepMigrating } from "./KeepMigrating.ts"
import { arrayOf, column } from "./Parameters.ts"
import { expectWrites, readOnly } from "./ReadOnly.ts"
import { refusesData } from "./SqlFailure.ts"
import { makeTallies } from "./Tallies.ts"
import type { VoteColumns } from "./VoteColumns.ts"

/** A stream entry that can't be counted. */
export interface DeadEntry extends Acceptance {
  readonly voteId: string
  readonly poll: string | null
  readonly choice: string | null
  readonly reason: string
  readonly stream: string
  readonly entryId: string
  /** How often the entry was delivered. */
  readonly deliveries: bigint
  /** The entry's fields as they were, names and values in turn. */
  readonly fields: ReadonlyArray<Uint8Array>
}

/** One vote of a batch that the ledger did not take, by its index in the batch. */
export interface Refusal {
  readonly index: number
  readonly reason: string
}

/** How many votes of a batch came new into the ledger, by poll and what they became. */
export interface Recorded {
  readonly poll: string
  readonly status: "counted" | "rejected" | "superseded"
  readonly votes: number
}

/** What the ledger made of a batch; the votes in neither part it held already. */
export interface Counted {
  readonly recorded: ReadonlyArray<Recorded>
  readonly refusals: ReadonlyArray<Refusal>
}

/** The database refused the batch for what is in it; nothing of it was counted. */
export class BatchRefused extends Schema.TaggedError<BatchRefused>()("BatchRefused", { reason: Schema.String }) {}

/** How long a question to the database may take before it counts as an outage, in ms; less than a shutdown may take. */
export const countTimeout = 20_000
const readTimeout: Duration.Input = "5 seconds"
const pingTimeout: Duration.Input = "1 second"

/** What increment_vote returns: of a vote that it refused, or how many others came to what. */
type CountRow =
  | { readonly place: bigint; readonly reason: string }
  | { readonly place: null; readonly poll: string; readonly status: Recorded["status"]; readonly votes: bigint }

/** PostgreSQL, where the truth is: one row per vote, and the tallies made from them. */
export class Ledger extends Context.Service<
  Ledger,
  {
    /**
     * Counts a batch in one round trip, each vote once however often it is given. All but the refused votes are in the
     * ledger once this succeeds.
     */
    count(votes: VoteColumns): Effect.Effect<Counted, OutOfService | BatchRefused>
    /**
     * Buries entries in one round trip; returns those that it buried. Of the others the ledger already holds the vote, which
     * stays what it is.
     */
    bury(entries: ReadonlyArray<DeadEntry>): Effect.Effect<ReadonlyArray<DeadEntry>, OutOfService>
    /** What the ledger says of a vote; undefined where it does not hold it. */
    find(voteId: string): Effect.Effect<VoteStatus | undefined, OutOfService>
    /** Whether the ledger still holds the votes of this one's time: older ones may have been dropped. */
    keeps(voteId: string): Effect.Effect<boolean, OutOfService>
    /** The poll's tally; undefined for a poll that does not exist. */
    tally(poll: string): Effect.Effect<Tally | undefined, OutOfService>
    /** Succeeds when the database answers, can be written and has what this version needs. */
    readonly ping: Effect.Effect<void, OutOfService>
    /** Waits until the database has what this version needs; tried since the start, again and again while it fails. */
    readonly migrated: Effect.Effect<void>
  }
>()("tallykeep/ledger/Ledger") {
  static readonly layer = Layer.effect(
    Ledger,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const count = Effect.fn("Ledger.count")(function* (votes: VoteColumns) {
        const batch = votes.parameters()
        const rows = yield* sql<CountRow>`select place, reason, poll, status, votes from increment_vote(
          ${batch.vote_ids}, ${batch.choices}, ${batch.polls}, ${batch.options}, ${batch.voters}, ${batch.ms},
          ${batch.seqs}, ${batch.cast_ms}, true, ${batch.proofs}
        )`.pipe(
          within(countTimeout),
          Effect.mapError((error) =>
            error._tag === "SqlError" && refusesData(error)
              ? new BatchRefused({ reason: error.reason.message })
              : new OutOfService({ part: "database", cause: error })
          )
        )
        return {
          recorded: rows.flatMap((row) =>
            row.place === null ? [{ poll: row.poll, status: row.status, votes: Number(row.votes) }] : []
          ),
          refusals: rows.flatMap((row) =>
            row.place === null ? [] : [{ index: Number(row.place) - 1, reason: row.reason }]
          )
        }
      })

      const bury = Effect.fn("Ledger.bury")(function* (entries: ReadonlyArray<DeadEntry>) {
        const fields = entries.flatMap((entry) => entry.fields)
        const rows = yield* sql<{ place: bigint }>`select place from bury_votes(
          ${column(entries, "uuid", ({ voteId }) => voteId)}, ${column(entries, "text", ({ poll }) => poll)},
          ${column(entries, "text", ({ choice }) => choice)}, ${column(entries, "int8", ({ ms }) => ms)},
          ${column(entries, "int8", ({ seq }) => seq)}, ${column(entries, "text", ({ reason }) => reason)},
          ${column(entries, "text", ({ stream }) => stream)}, ${column(entries, "text", ({ entryId }) => entryId)},
          ${column(entries, "int8", ({ deliveries }) => deliveries)},
          ${column(entries, "int4", ({ fields }) => fields.length)}, ${arrayOf("bytea", fields)}
        ) as place`.pipe(outOfService(readTimeout))
        return rows.flatMap(({ place }) => entries[Number(place) - 1] ?? [])
      })

      const find = Effect.fn("Ledger.find")(function* (voteId: string) {
        const [row] = yield* sql<{ poll: string | null; status: VoteStatus["status"]; reason: string | null }>`
          select poll, status, reason from vote where vote_id = ${PgTypes.uuid(voteId)}`.pipe(outOfService(readTimeout))
        if (row === undefined) return undefined
        const { poll, reason, status } = row
        return { vote_id: voteId, poll, status, ...(reason === null ? {} : { reason }) }
      })

      const keeps = Effect.fn("Ledger.keeps")((voteId: string) =>
        sql<{ kept: boolean }>`select ${PgTypes.uuid(voteId)} >= vote_id_at(ledger_horizon()) as kept`.pipe(
          outOfService(readTimeout),
          Effect.map(([row]) => row?.kept === true)
        )
      )

      const tally = yield* makeTallies

      let upToDate = false
      const ping = Effect.gen(function* () {
        const [row] = yield* sql<{ made: boolean; readOnly: boolean }>`
          select to_regclass('tallykeep_schema') is not null as made, ${readOnly(sql)}`
        if (row?.made === true) yield* expectWrites(sql, row)
        return row?.made === true
      }).pipe(
        outOfService(pingTimeout),
        Effect.filterOrFail(
          (made) => made && upToDate,
          () =>
            new OutOfService({ part: "database", cause: new Error("Its tables and functions are not all made yet") })
        ),
        Effect.asVoid
      )

      const migration = yield* keepMigrating.pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            upToDate = true
          })
        ),
        Effect.provideService(SqlClient.SqlClient, sql),
        Effect.forkScoped
      )
      const migrated = Fiber.await(migration).pipe(Effect.asVoid)

      return Ledger.of({ count, bury, find, keeps, tally, ping, migrated })
    })
  )
}
