import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { Poll, PollOption } from "../domain/Poll.ts"
import { OutOfService, PollExists } from "../domain/Problems.ts"
import { single } from "../domain/Rules.ts"
import { outOfService, within } from "./Bounded.ts"
import { sqlState } from "./SqlFailure.ts"
import { inTransaction } from "./Transaction.ts"

/** The polls, as the ledger keeps them. */
export class PollStore extends Context.Service<
  PollStore,
  {
    /** All of them, the newest first. */
    readonly list: Effect.Effect<ReadonlyArray<Poll>, OutOfService>
    create(poll: Poll): Effect.Effect<void, OutOfService | PollExists>
    /** Closes a poll at a time of the stream's clock, in ms; false where there is no such poll. */
    close(slug: string, atMs: number): Effect.Effect<boolean, OutOfService>
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
          p.opens_ms as "opensMs", p.closes_ms as "closesMs",
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

      return PollStore.of({ list, create, close, hasVoted })
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
  readonly options: ReadonlyArray<PollOption> | null
}

const toPoll = ({ challenge, closesMs, description, opensMs, options, ...row }: Row): Poll => ({
  ...row,
  options: options ?? [],
  rules: single,
  abstain: false,
  ...(description === null ? {} : { description }),
  ...(challenge === null ? {} : { challenge }),
  ...(opensMs === null ? {} : { opensMs: Number(opensMs) }),
  ...(closesMs === null ? {} : { closesMs: Number(closesMs) })
})
