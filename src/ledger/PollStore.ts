import { createHash, randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { Poll, PollOption } from "../domain/Poll.ts"
import { showRules } from "../domain/PollRules.ts"
import { OutOfService, PollExists } from "../domain/Problems.ts"
import { type Kind, type Method, rulesOf, type TieBreak } from "../domain/Rules.ts"
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
    /** One of them; undefined where there is no such poll. */
    find(slug: string): Effect.Effect<Poll | undefined, OutOfService>
    /** Returns the poll as it is kept: one that is ranked has got a seed for its draws. */
    create(poll: Poll): Effect.Effect<Poll, OutOfService | PollExists>
    /** Closes a poll at a time of the stream's clock, in ms, unless it has closed; false where there is no such poll. */
    close(slug: string, atMs: number): Effect.Effect<boolean, OutOfService>
    /** The polls that close before or at a time, in ms, and are not final; those that close first come first. */
    counting(now: number): Effect.Effect<ReadonlyArray<ClosedPoll>, OutOfService>
    /**
     * Makes a poll final that closes before or at a time up to which all is counted, in ms; returns whether it has become so
     * now.
     */
    finish(slug: string, countedMs: number): Effect.Effect<boolean, OutOfService>
    /** Has it said in the poll's public log that so many tokens were made for voters: to be done before anyone gets them. */
    tellTokens(slug: string, made: number): Effect.Effect<void, OutOfService>
    /** Whether the ledger holds a vote of this voter in the poll that counts. */
    hasVoted(poll: string, voter: string): Effect.Effect<boolean, OutOfService>
  }
>()("tallykeep/ledger/PollStore") {
  static readonly layer = Layer.effect(
    PollStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const read = (slug: string | null) =>
        sql<Row>`
        select p.slug, p.title, p.description, p.ballot, p.identity, p.results, p.challenge, p.log,
          p.kind, p.min, p.max, p.every, p.budget,
          p.spend_all, p.method, p.seats, p.tie_break, p.abstain, encode(sha256(p.tie_seed), 'hex') as "tieSeedHash",
          p.opens_ms as "opensMs", p.closes_ms as "closesMs", extract(epoch from p.final_at)::float8 * 1000 as "finalMs",
          case when p.final_at is not null then encode(p.tie_seed, 'hex') end as "tieSeed",
          (select json_agg(json_build_object('id', option, 'label', label) order by position) from tally where poll = slug) as options
        from poll p
        where ${PgTypes.text(slug)} is null or p.slug = ${PgTypes.text(slug)}
        order by p.created_at desc, p.slug`.pipe(
          bounded,
          Effect.map((rows) => rows.map(toPoll))
        )
      const list = Effect.withSpan(read(null), "PollStore.list")
      const find = Effect.fn("PollStore.find")((slug: string) => Effect.map(read(slug), ([poll]) => poll))

      const create = Effect.fn("PollStore.create")((poll: Poll) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            const rules = showRules(poll.rules, poll.abstain)
            const seed = rules.kind === "ranked" ? randomBytes(32) : null
            yield* sql`
                insert into poll (slug, title, description, ballot, identity, results, challenge, log, opens_ms, closes_ms, kind,
                  min, max, every, budget, spend_all, method, seats, tie_break, tie_seed, abstain)
                values (${poll.slug}, ${poll.title}, ${PgTypes.text(poll.description ?? null)}, ${poll.ballot},
                  ${poll.identity}, ${poll.results}, ${PgTypes.text(poll.challenge ?? null)}, ${poll.log !== "off"},
                  ${time(poll.opensMs)}, ${time(poll.closesMs)}, ${rules.kind},
                  ${PgTypes.int4(rules.min ?? null)}, ${PgTypes.int4(rules.max ?? null)}, ${PgTypes.bool(rules.every ?? null)},
                  ${PgTypes.int4(rules.budget ?? null)}, ${PgTypes.bool(rules.spend_all ?? null)}, ${PgTypes.text(rules.method ?? null)},
                  ${PgTypes.int4(rules.seats ?? null)}, ${PgTypes.text(rules.tie_break ?? null)}, ${PgTypes.bytea(seed)}, ${poll.abstain})`
            yield* Effect.forEach(
              poll.options.entries(),
              ([position, { id, label }]) =>
                sql`insert into tally (poll, option, label, position) values (${poll.slug}, ${id}, ${label}, ${position})`,
              { discard: true }
            )
            yield* sql`select log_append(${poll.slug}, 'poll')`
            if (seed === null) return poll
            return { ...poll, tieSeedHash: createHash("sha256").update(seed).digest("hex") }
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

      const tellTokens = Effect.fn("PollStore.tellTokens")((slug: string, made: number) =>
        sql`select log_append(${slug}, 'tokens', ${PgTypes.jsonb({ made })})`.pipe(bounded, Effect.asVoid)
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

      return PollStore.of({ list, find, create, close, counting, finish, tellTokens, hasVoted })
    })
  )
}

const timeout = "10 seconds"

const bounded = outOfService(timeout)

const time = (ms: number | undefined) => PgTypes.int8(ms === undefined ? null : BigInt(ms))

/** A column of the rules: null where the poll's kind has no such field. */
interface RuleColumns {
  readonly min: number | null
  readonly max: number | null
  readonly every: boolean | null
  readonly budget: number | null
  readonly spend_all: boolean | null
  readonly method: Method | null
  readonly seats: number | null
  readonly tie_break: TieBreak | null
}

interface Row extends RuleColumns, Pick<Poll, "slug" | "title" | "ballot" | "identity" | "results" | "abstain"> {
  readonly kind: Kind
  readonly description: string | null
  readonly challenge: "pow" | null
  readonly log: boolean
  readonly tieSeedHash: string | null
  readonly opensMs: bigint | null
  readonly closesMs: bigint | null
  readonly finalMs: number | null
  /** In hex, of a poll that is final. */
  readonly tieSeed: string | null
  readonly options: ReadonlyArray<PollOption> | null
}

const toPoll = ({ closesMs, finalMs, opensMs, ...row }: Row): Poll => {
  const options = row.options ?? []
  return {
    slug: row.slug,
    title: row.title,
    ...(row.description === null ? {} : { description: row.description }),
    options,
    rules: rulesOf({ kind: row.kind, options, ...withoutNulls(row) }),
    abstain: row.abstain,
    ...(row.tieSeedHash === null ? {} : { tieSeedHash: row.tieSeedHash }),
    ...(row.tieSeed === null ? {} : { tieSeed: row.tieSeed }),
    ballot: row.ballot,
    identity: row.identity,
    results: row.results,
    ...(row.challenge === null ? {} : { challenge: row.challenge }),
    ...(row.log ? {} : { log: "off" }),
    ...(opensMs === null ? {} : { opensMs: Number(opensMs) }),
    ...(closesMs === null ? {} : { closesMs: Number(closesMs) }),
    ...(finalMs === null ? {} : { finalMs: Math.floor(finalMs) })
  }
}

const withoutNulls = (row: RuleColumns) => ({
  min: row.min ?? undefined,
  max: row.max ?? undefined,
  every: row.every ?? undefined,
  budget: row.budget ?? undefined,
  spend_all: row.spend_all ?? undefined,
  method: row.method ?? undefined,
  seats: row.seats ?? undefined,
  tie_break: row.tie_break ?? undefined
})
