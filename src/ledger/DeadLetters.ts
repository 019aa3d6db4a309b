import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Acceptance, Vote } from "../domain/Vote.ts"
import { int8 } from "./Parameters.ts"
import { inTransaction } from "./Transaction.ts"
import { VoteColumns } from "./VoteColumns.ts"

/** A dead vote with the stream entry that it came from. */
export interface DeadLetter {
  readonly voteId: string
  readonly poll: string | null
  readonly option: string | null
  readonly reason: string
  readonly stream: string
  readonly entryId: string
  /** How often the entry was delivered before it was given up. */
  readonly deliveries: number
  readonly recordedAt: Date
  /** The entry's fields as they were, names and values in turn. */
  readonly fields: ReadonlyArray<Uint8Array>
}

/** Selects dead letters; without any of these, all of them. */
export interface DeadLetterFilter {
  readonly voteId?: string | undefined
  readonly poll?: string | undefined
  /** A part of the reason. */
  readonly reason?: string | undefined
  readonly limit?: number | undefined
}

/** What a vote is by now, and why. */
export interface Fate {
  readonly status: string
  readonly reason: string | null
}

/** A replay that changed nothing: the vote still can't be counted. */
export class StillDead extends Schema.TaggedError<StillDead>()("StillDead", {
  voteId: Schema.String,
  reason: Schema.String
}) {}

/** The dead letters, for people. */
export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** The oldest first. */
    list(filter: DeadLetterFilter): Effect.Effect<ReadonlyArray<DeadLetter>, SqlError.SqlError>
    /**
     * Brings the vote that the letter's fields are into the ledger, with the `vote_id` and the acceptance that it had; fails where
     * the ledger still refuses it, which leaves it dead. Returns what the vote is then: it may have come too late for its poll, and
     * be rejected. Where another process was first, that is what has become of it there; undefined where the ledger holds it no more.
     */
    replay(letter: DeadLetter, vote: Vote): Effect.Effect<Fate | undefined, StillDead | SqlError.SqlError>
    /**
     * Drops the entry's fields; the vote stays in the ledger as dead, discarded. Returns whether it did: another process may have
     * replayed or discarded it first.
     */
    discard(letter: DeadLetter): Effect.Effect<boolean, SqlError.SqlError>
  }
>()("tallykeep/ledger/DeadLetters") {
  static readonly layer = Layer.effect(
    DeadLetters,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const list = Effect.fn("DeadLetters.list")(function* (filter: DeadLetterFilter) {
        const rows = yield* sql<Omit<DeadLetter, "deliveries"> & { readonly deliveries: bigint }>`
          select v.vote_id as "voteId", v.poll, v.choice as option, v.reason, d.stream, d.entry_id as "entryId",
            d.deliveries, d.recorded_at as "recordedAt", d.fields
          from dead_letter d join vote_event v using (vote_id)
          where (${PgTypes.uuid(filter.voteId ?? null)} is null or v.vote_id = ${PgTypes.uuid(filter.voteId ?? null)})
            and (${PgTypes.text(filter.poll ?? null)} is null or v.poll = ${PgTypes.text(filter.poll ?? null)})
            and strpos(v.reason, ${PgTypes.text(filter.reason ?? "")}) > 0
          order by d.recorded_at, v.vote_id
          limit ${int8(filter.limit ?? 1_000_000)}`
        return rows.map((row) => ({ ...row, deliveries: Number(row.deliveries) }))
      })

      // The poll first, then the ledger's row, then the letter: the order in which votes are deleted and dropped.
      const remove = (voteId: string) => sql`delete from dead_letter where vote_id = ${PgTypes.uuid(voteId)}`

      const count = Effect.fnUntraced(function* (voteId: string, vote: Vote, acceptance: Acceptance) {
        const one = VoteColumns.of([{ ...vote, ...acceptance }]).parameters()
        const [refusal] = yield* sql<{ reason: string }>`select reason from increment_vote(
          ${one.vote_ids}, ${one.choices}, ${one.polls}, ${one.options}, ${one.voters}, ${one.ms}, ${one.seqs},
          ${one.cast_ms}, false, ${one.proofs}
        )`
        if (refusal !== undefined) return yield* new StillDead({ voteId, reason: refusal.reason })
      })

      const replay = Effect.fn("DeadLetters.replay")(({ voteId }: DeadLetter, vote: Vote) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            yield* sql`select hold_horizon()`
            yield* sql`select lock_polls(array[${PgTypes.text(vote.poll)}])`
            const [acceptance] = yield* sql<Acceptance>`
              delete from vote_event where vote_id = ${PgTypes.uuid(voteId)} and status = 'dead' and reason not like 'discarded: %'
              returning accepted_ms as ms, accepted_seq as seq`
            if (acceptance !== undefined) yield* Effect.andThen(remove(voteId), count(voteId, vote, acceptance))
            const [fate] = yield* sql<Fate>`select status, reason from vote where vote_id = ${PgTypes.uuid(voteId)}`
            return fate
          })
        )
      )

      const discard = Effect.fn("DeadLetters.discard")(({ voteId }: DeadLetter) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            const discarded = yield* sql`
              with discarded as (
                update vote_event set reason = 'discarded: ' || reason
                where vote_id = ${PgTypes.uuid(voteId)} and status = 'dead' and reason not like 'discarded: %'
                returning vote_id, poll
              )
              select log_fates('dead', array[vote_id], array[poll]) from discarded`
            if (discarded.length > 0) yield* remove(voteId)
            return discarded.length > 0
          })
        )
      )

      return DeadLetters.of({ list, replay, discard })
    })
  )
}
