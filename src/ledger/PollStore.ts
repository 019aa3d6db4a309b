import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { Poll, PollOption } from "../domain/Poll.ts"
import { OutOfService, PollExists } from "../domain/Problems.ts"
import { single } from "../domain/Rules.ts"
import { outOfService, within } from "./Bounded.ts"
import { sqlState } from "./SqlFailure.ts"
import { inTransaction } from "./Transaction.ts"

/** A poll that has closed, and when, in ms since 1970 by the stream's clock. */
export interface ClosedPoll {
  readonly slug: string
  readonly closesMs: number
}

/** The polls, as the ledger keeps them. */
export class PollStore extends Context.Service<
  PollStore,
  {
    /** All of them, the newest first. */
    readonly list: Effect.Effect<ReadonlyArray<Poll>, OutOfService>
    create(poll: Poll): Effect.Effect<void, OutOfService | PollExists>
    /** Closes a poll at a time of the stream's clock, in ms, unless it has closed; false where there is no such poll. */
    close(slug: string, atMs: number): Effect.Effect<boolean, OutOfService>
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

      const list = sql<Row>`
        select p.slug, p.title, p.description, p.ballot, p.identity, p.results, p.challenge,
          p.opens_ms as "opensMs", p.closes_ms as "closesMs", extract(epoch from p.final_at)::float8 * 1000 as "finalMs",
          case when p.final_at is not null then encode(p.tie_seed, 'hex') end as "tieSeed",
          (select json_agg(json_build_object('id', option, 'label', label) order by position) from tally where poll = slug) as options
        from poll p
        order by p.created_at desc, p.slug`.pipe(
        bounded,
        Effect.map((rows) => rows.map(toPoll)),
        Effect.withSpan("PollStore.list")
      )

      const create = Effect.fn("PollStore.create")((poll: Poll) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            yield* sql`
                insert into poll (slug, title, description, ballot, identity, results, challenge, opens_ms, closes_ms)
                values (${poll.slug}, ${poll.title}, ${PgTypes.text(poll.description ?? null)}, ${poll.ballot},
                  ${poll.identity}, ${poll.results}, ${PgTypes.text(poll.challenge ?? null)}, ${time(poll.opensMs)}, ${time(poll.closesMs)})`
            yield* Effect.forEach(
              poll.options.entries(),
              ([position, { id, label }]) =>
                sql`insert into tally (poll, option, label, position) values (${poll.slug}, ${id}, ${label}, ${position})`,
              { discard: true }
            )
          })
        ).pipe(
          within(timeout),
          Effect.mapError((error) =>
            error._tag === "SqlError" && sqlState(error) === "23505"
              ? new PollExists({ detail: `There is a poll ${poll.slug} already` })
              : new OutOfService({ part: "database", cause: error })
          )
        )
      )

      const close = Effect.fn("PollStore.close")((slug: string, atMs: number) =>
        sql<{ found: boolean }>`select close_poll(${slug}, ${time(atMs)}) as found`.pipe(
          bounded,
          Effect.map(([row]) => row?.found === true)
        )
      )

      const counting = (now: number) =>
        sql<{ slug: string; closesMs: bigint }>`
          select slug, closes_ms as "closesMs" from poll
          where closes_ms <= ${time(Math.floor(now))} and final_at is null
          order by closes_ms, slug`.pipe(
          bounded,
          Effect.map((rows) => rows.map(({ closesMs, slug }) => ({ slug, closesMs: Number(closesMs) })))
        )

      const finish = Effect.fn("PollStore.finish")((slug: string, countedMs: number) =>
        sql<{ finished: boolean }>`select finish_poll(${slug}, ${time(countedMs)}) as finished`.pipe(
          bounded,
          Effect.map(([row]) => row?.finished === true)
        )
      )

      const hasVoted = Effect.fn("PollStore.hasVoted")((poll: string, voter: string) =>
        sql<{ found: boolean }>`
          with v as (select ${PgTypes.bytea(Buffer.from(voter, "base64url"))} as voter)
          select exists (select from ballot where poll = ${poll} and voter = v.voter)
            or exists (select from vote_event where poll = ${poll} and voter = v.voter and status = 'counted') as found
          from v`.pipe(
          bounded,
          Effect.map(([row]) => row?.found === true)
        )
      )

      return PollStore.of({ list, create, close, counting, finish, hasVoted })
    })
  )
}

const timeout = "10 seconds"

const bounded = outOfService(timeout)

const time = (ms: number | undefined) => PgTypes.int8(ms === undefined ? null : BigInt(ms))

interface Row extends Pick<Poll, "slug" | "title" | "ballot" | "identity" | "results"> {
  readonly description: string | null
  readonly challenge: "pow" | null
  readonly opensMs: bigint | null
  readonly closesMs: bigint | null
  readonly finalMs: number | null
  /** In hex, of a poll that is final. */
  readonly tieSeed: string | null
  readonly options: ReadonlyArray<PollOption> | null
}

const toPoll = ({ challenge, closesMs, description, finalMs, opensMs, options, tieSeed, ...row }: Row): Poll => ({
  ...row,
  options: options ?? [],
  rules: single,
  abstain: false,
  ...(description === null ? {} : { description }),
  ...(challenge === null ? {} : { challenge }),
  ...(opensMs === null ? {} : { opensMs: Number(opensMs) }),
  ...(closesMs === null ? {} : { closesMs: Number(closesMs) }),
  ...(finalMs === null ? {} : { finalMs: Math.floor(finalMs) }),
  ...(tieSeed === null ? {} : { tieSeed })
})
