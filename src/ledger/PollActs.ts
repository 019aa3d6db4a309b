import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Poll, versionOf } from "../domain/Poll.ts"
import { isSamePoll, toDefinition } from "../domain/PollEdit.ts"
import { OutOfService, PollExists } from "../domain/Problems.ts"
import { type Act, type AdminEvent, readEvents, recordAct } from "./AdminEvents.ts"
import { outOfService, within } from "./Bounded.ts"
import { int8 } from "./Parameters.ts"
import { type Current, changePoll, createPoll, lockPoll, showChanged } from "./PollChange.ts"
import { type PollRow, pollColumns, toPoll } from "./PollRows.ts"
import { type Search, searchPolls } from "./PollSearch.ts"
import { expectWrites, readOnly } from "./ReadOnly.ts"
import { sqlState } from "./SqlFailure.ts"
import { inTransaction } from "./Transaction.ts"

/** What a poll becomes. */
interface Changed {
  readonly poll: Poll
  readonly edited?: boolean
  /** A time that all votes so far were accepted before, where it is known, in ms. */
  readonly votesBefore?: number
}

/** What becomes of it; undefined where that is nothing. */
export type Outcome = Changed | "deleted" | undefined

/** What organisers do with polls, each act in one transaction with its row in the record. */
export class PollActs extends Context.Service<
  PollActs,
  {
    /** Returns a poll, be it a draft. */
    find(slug: string): Effect.Effect<Poll | undefined, OutOfService>
    /** Returns the polls that a search finds at a time in ms, the newest first, drafts among them. */
    search(search: Search, now: number): Effect.Effect<ReadonlyArray<Poll>, OutOfService>
    /** Makes a poll. Where there was one of the name before, no vote counts that was accepted before `from`, in ms. */
    create(poll: Poll, from: number, what?: Act): Effect.Effect<Poll, OutOfService | PollExists>
    /** Does what `decide` says with a poll as it is then; returns what is left of it, or undefined where there is no such poll. */
    act<E>(
      slug: string,
      what: Act,
      decide: (current: Current) => Effect.Effect<Outcome, E>
    ): Effect.Effect<Poll | undefined, OutOfService | E>
    /**
     * Closes a poll at a time of the stream's clock, in ms, which is asked for once nothing else changes the poll; unless it has closed.
     * With `ahead`, it closes so many ms after that time, which is one that all votes so far were accepted before. `before` is done
     * before that can be seen, with the poll and that time, and returns the time at which it closes, which may be later. Returns undefined
     * where there is no such poll.
     */
    close(
      slug: string,
      time: Effect.Effect<number, OutOfService>,
      ahead?: number,
      before?: (poll: Poll, closesMs: number) => Effect.Effect<number, OutOfService>
    ): Effect.Effect<Poll | undefined, OutOfService>
    /**
     * Closes a poll from a time of the stream's clock on, in ms, which is ahead of all votes, for so many ms, or takes that back; it is no
     * act of its own. `before` is done before that can be seen, with the poll's version, and returns from when on it is closed, which may
     * be later. Returns that time.
     */
    hold(
      slug: string,
      fromMs: number,
      ms: number,
      how: "close" | "open",
      before?: (version: number) => Effect.Effect<number, OutOfService>
    ): Effect.Effect<number, OutOfService>
    /** Tells how many tokens were made for a poll's voters, in the record and in its public log. */
    tellTokens(slug: string, made: number): Effect.Effect<void, OutOfService>
    /** The record of a poll, the latest first: at most `limit`, before the one with the id `before`. */
    events(slug: string, limit: number, before?: number): Effect.Effect<ReadonlyArray<AdminEvent>, OutOfService>
  }
>()("tallykeep/ledger/PollActs") {
  static readonly layer = Layer.effect(
    PollActs,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const find = (slug: string) =>
        sql<(PollRow | Record<keyof PollRow, null>) & { readOnly: boolean }>`
          select ${pollColumns(sql)}, server.* from (select ${readOnly(sql)}) server left join poll p on p.slug = ${slug}`.pipe(
          Effect.tap(([row]) => (row?.slug === null ? expectWrites(sql, row) : Effect.void)),
          bounded,
          Effect.map(([row]) => (row === undefined || row.slug === null ? undefined : toPoll(row)))
        )

      const search = (asked: Search, now: number) =>
        searchPolls(sql, asked, now).pipe(
          bounded,
          Effect.map((rows) => rows.map(toPoll))
        )

      const create = Effect.fn("PollActs.create")((poll: Poll, from: number, what: Act = "create") =>
        inTransaction(sql)(createPoll(sql, poll, from, what)).pipe(
          within(timeout),
          Effect.mapError((error) => {
            if (error._tag === "PollExists") return error
            return error._tag === "SqlError" && sqlState(error) === "23505"
              ? new PollExists({ detail: `There is a poll ${poll.slug} already` })
              : new OutOfService({ part: "database", cause: error })
          })
        )
      )

      const act = <E>(slug: string, what: Act, decide: (current: Current) => Effect.Effect<Outcome, E>) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            const current = yield* lockPoll(sql, slug)
            if (current === undefined) return undefined
            const outcome = yield* Effect.mapError(decide(current), (error) => new Refused(error))
            if (outcome === undefined) return current.poll
            const before = toDefinition(current.poll)
            if (outcome === "deleted") {
              yield* sql`select delete_poll(${slug})`
              yield* recordAct(sql, slug, what, before, null)
              return current.poll
            }
            const { poll, votesBefore = Number.POSITIVE_INFINITY } = outcome
            // What someone else has read of the poll stays true, and neither record nor public log has anything to say.
            if (isSamePoll(current.poll, poll)) return current.poll
            yield* changePoll(sql, what, current.poll, poll, votesBefore)
            if (outcome.edited) yield* sql`update poll set edited_at = clock_timestamp() where slug = ${slug}`
            yield* recordAct(sql, slug, what, before, toDefinition(poll))
            return (yield* lockPoll(sql, slug))?.poll
          })
        ).pipe(
          within(timeout),
          Effect.mapError((error) =>
            error instanceof Refused ? error.error : new OutOfService({ part: "database", cause: error })
          ),
          Effect.withSpan(`PollActs.${what}`)
        )

      const hold: PollActs["Service"]["hold"] = Effect.fn("PollActs.hold")((slug, given, ms, how, before) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            const current = yield* lockPoll(sql, slug)
            if (current === undefined) return given
            const from = before === undefined ? given : Math.max(given, yield* before(versionOf(current.poll)))
            const held = sql`int8multirange(int8range(${int8(from)}, ${int8(from + ms)}))`
            const shut = sql`coalesce(shut, '{}')`
            yield* sql`
              update poll
              set shut = nullif(${how === "close" ? sql`${shut} + ${held}` : sql`${shut} - ${held}`}, '{}')
              where slug = ${slug}`
            // It is closed ahead of all votes: a look at them would take until after that.
            yield* how === "close" ? showChanged(sql, slug) : sql`select settle_poll(${slug})`
            return from
          })
        ).pipe(bounded)
      )

      return PollActs.of({
        find,
        search,
        create,
        act,
        close: (slug, time, ahead, before) =>
          act(
            slug,
            "close",
            Effect.fnUntraced(function* ({ poll }) {
              const now = yield* time
              const latest = poll.closesMs ?? Number.POSITIVE_INFINITY
              const wanted = Math.min(latest, now + (ahead ?? 0))
              if (poll.finalMs !== undefined || wanted === poll.closesMs) return undefined
              const told = before === undefined ? wanted : yield* before(poll, wanted)
              // It may have closed by itself meanwhile.
              const closesMs = Math.min(latest, Math.max(wanted, told))
              return { poll: { ...poll, closesMs }, ...(ahead === undefined ? {} : { votesBefore: now }) }
            })
          ),
        hold,
        tellTokens: (slug, made) =>
          inTransaction(sql)(
            Effect.gen(function* () {
              // A draft that is published meanwhile counts them from the record.
              yield* sql`select 1 from poll where slug = ${slug} for share`
              yield* recordAct(sql, slug, "tokens", null, { count: made })
              yield* sql`select log_append(${slug}, 'tokens', ${PgTypes.jsonb({ made })})`
            })
          ).pipe(bounded, Effect.asVoid),
        events: (slug, limit, before) => readEvents(sql, slug, limit, before).pipe(bounded)
      })
    })
  )
}

/** Deciding over all votes of a large poll anew takes its time. */
const timeout = "30 seconds"

const bounded = outOfService(timeout)

/** Why an act was not done, apart from what the database says. */
class Refused<E> {
  readonly _tag = "Refused"
  readonly error: E

  constructor(error: E) {
    this.error = error
  }
}
