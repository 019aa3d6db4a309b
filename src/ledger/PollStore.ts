import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { Poll } from "../domain/Poll.ts"
import type { OutOfService } from "../domain/Problems.ts"
import { outOfService } from "./Bounded.ts"
import { int8 } from "./Parameters.ts"
import { ownColumns, type PollRow, pollColumns, toPoll } from "./PollRows.ts"
import { expectWrites, readOnly } from "./ReadOnly.ts"

/** A poll that has closed, and when, in ms since 1970 by the stream's clock. */
export interface ClosedPoll {
  readonly slug: string
  readonly closesMs: number
}

/** The polls, as the ledger keeps them, for whoever takes and counts votes. */
export class PollStore extends Context.Service<
  PollStore,
  {
    /**
     * All of them but drafts, the newest first: the same array as before where none has changed. Fails where the server takes no writes,
     * which may know nothing of the latest, unless nothing is known yet.
     */
    readonly list: Effect.Effect<ReadonlyArray<Poll>, OutOfService>
    /** The polls that close before or at a time, in ms, and are not final; those that close first come first. */
    counting(now: number): Effect.Effect<ReadonlyArray<ClosedPoll>, OutOfService>
    /**
     * Makes a poll final that closes before or at a time up to which all is counted, in ms; returns whether it has become so
     * now.
     */
    finish(slug: string, countedMs: number): Effect.Effect<boolean, OutOfService>
    /** Whether the ledger holds a vote of this voter in the poll that counts. */
    hasVoted(poll: string, voter: string): Effect.Effect<boolean, OutOfService>
  }
>()("tallykeep/ledger/PollStore") {
  static readonly layer = Layer.effect(
    PollStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      let known: { readonly digest: string | undefined; readonly polls: ReadonlyArray<Poll> } | undefined
      /** The first time, what may be old is better than nothing. */
      const isCurrent = ([row]: ReadonlyArray<{ readonly readOnly: boolean }>) =>
        known === undefined ? Effect.void : expectWrites(sql, row)
      // Every process asks every few seconds, and of 10,000 polls the answer takes it a quarter of a second. The sum of a hash of each
      // row takes the database less than the rows.
      const digest = sql<{ digest: string; readOnly: boolean }>`
        select ${readOnly(sql)}, concat_ws(' ',
          (select sum(hashtextextended(q::text, 0)) from (select ${ownColumns(sql)} from poll p where not p.draft) q),
          (select sum(hashtextextended(o::text, 0)) from (select poll, option, label, position from tally) o)
        ) as digest`.pipe(
        Effect.tap(isCurrent),
        bounded,
        Effect.map(([row]) => row?.digest)
      )
      const readAll = sql<PollRow & { readOnly: boolean }>`
        select ${pollColumns(sql)}, ${readOnly(sql)} from poll p where not p.draft order by p.created_at desc, p.slug`.pipe(
        Effect.tap(isCurrent),
        bounded,
        Effect.map((rows) => rows.map(toPoll))
      )
      const list = Effect.gen(function* () {
        // Before the polls: what changes in between is seen the next time.
        const now = yield* digest
        if (known === undefined || known.digest !== now) known = { digest: now, polls: yield* readAll }
        return known.polls
      }).pipe(Effect.withSpan("PollStore.list"))

      const counting = (now: number) =>
        sql<{ slug: string; closesMs: bigint }>`
          select slug, closes_ms as "closesMs" from poll
          where closes_ms <= ${int8(Math.floor(now))} and final_at is null
          order by closes_ms, slug`.pipe(
          bounded,
          Effect.map((rows) => rows.map(({ closesMs, slug }) => ({ slug, closesMs: Number(closesMs) })))
        )

      const finish = Effect.fn("PollStore.finish")((slug: string, countedMs: number) =>
        sql<{ finished: boolean }>`select finish_poll(${slug}, ${int8(countedMs)}) as finished`.pipe(
          bounded,
          Effect.map(([row]) => row?.finished === true)
        )
      )

      const hasVoted = Effect.fn("PollStore.hasVoted")((poll: string, voter: string) =>
        sql<{ found: boolean }>`
          select exists (
            select from ballot where poll = ${poll} and voter = ${PgTypes.bytea(Buffer.from(voter, "base64url"))}
          ) as found`.pipe(
          bounded,
          Effect.map(([row]) => row?.found === true)
        )
      )

      return PollStore.of({ list, counting, finish, hasVoted })
    })
  )
}

const timeout = "10 seconds"

const bounded = outOfService(timeout)
