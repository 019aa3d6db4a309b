import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { OutOfService } from "../domain/Problems.ts"
import type { TabulationRules } from "../domain/tabulation/Tabulation.ts"
import { outOfService } from "./Bounded.ts"
import { int8 } from "./Parameters.ts"
import { inTransaction } from "./Transaction.ts"

/** A ranked poll that a process has claimed to tabulate. */
export interface Claim {
  readonly poll: string
  readonly holder: string
}

/** How a ranked poll is tabulated, as of a revision of its tally. */
export interface Ranked {
  readonly revision: number
  /** Ids, in the poll's order. */
  readonly options: ReadonlyArray<string>
  readonly rules: TabulationRules
}

/** For how long nobody else tabulates a poll that was claimed, unless the claim is renewed, in seconds. */
const lease = 15
/** How many rankings are read at once. */
const pageSize = 10_000
const timeout = "5 seconds"
/** How long reading all rankings may take. */
const readTimeout = "10 minutes"

/** Ranked polls' tabulations, each made by one process at a time. */
export class Tabulations extends Context.Service<
  Tabulations,
  {
    /** Claims a poll whose tabulation is to be made anew; undefined where there is none. */
    readonly claim: Effect.Effect<Claim | undefined, OutOfService>
    /** Whether a tabulation was yet to be made, now or later, when one was claimed last. */
    readonly isBehind: () => boolean
    /** Keeps a claim for a while longer. */
    renew(claim: Claim): Effect.Effect<void, OutOfService>
    /** Gives a claim back. */
    release(claim: Claim): Effect.Effect<void, OutOfService>
    /**
     * Reads a poll's rankings as of one revision: `begin` gets what else there is to know, then `add` each page of them, lines of
     * a ranking, a space, and how many ballots say it. The next page is read when the one before is taken.
     */
    read<E>(
      poll: string,
      begin: (ranked: Ranked) => Effect.Effect<void, E>,
      add: (page: Uint8Array) => Effect.Effect<void, E>
    ): Effect.Effect<Ranked, E | OutOfService>
    /** Stores what a poll's rankings come to, as JSON, and gives the claim back; it took so many ms. False where the claim is lost. */
    store(claim: Claim, revision: number, result: string, ms: number): Effect.Effect<boolean, OutOfService>
  }
>()("tallykeep/ledger/Tabulations") {
  static readonly layer = Layer.effect(
    Tabulations,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      let behind = true
      const claim = Effect.suspend(() => {
        const holder = randomUUID()
        return Effect.map(
          sql<{ poll: string | null; behind: boolean | null }>`
            select bool_or(behind) as behind,
              case when bool_or(behind) then claim_tabulation(${PgTypes.uuid(holder)}, ${PgTypes.float8(lease)}) end as poll
            from (
              select p.revision > coalesce(t.revision, 0) as behind
              from poll p left join tabulation t on t.poll = p.slug
              where p.kind = 'ranked'
            ) ranked`.pipe(outOfService(timeout)),
          ([row]) => {
            behind = row?.behind === true
            return row === undefined || row.poll === null ? undefined : { poll: row.poll, holder }
          }
        )
      })

      const renew = ({ holder, poll }: Claim) =>
        sql`update tabulation set held_until = clock_timestamp() + make_interval(secs => ${PgTypes.float8(lease)})
          where poll = ${poll} and holder = ${PgTypes.uuid(holder)}`.pipe(outOfService(timeout), Effect.asVoid)

      const release = ({ holder, poll }: Claim) =>
        sql`update tabulation set held_until = '-infinity', holder = null
          where poll = ${poll} and holder = ${PgTypes.uuid(holder)}`.pipe(outOfService("1 second"), Effect.asVoid)

      const read: Tabulations["Service"]["read"] = (poll, begin, add) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            // All pages are of the revision that is read first.
            yield* sql`set transaction isolation level repeatable read, read only`
            // While votes still come, nobody is to know whom the seed draws: its hash draws until then, which everyone knows.
            const [row] = yield* sql<RankedRow>`
              select revision, method, seats, tie_break as "tieBreak",
                case when final_at is null then sha256(tie_seed) else tie_seed end as "tieSeed",
                array(select option from tally where poll = slug order by position) as options
              from poll where slug = ${poll}`
            if (row === undefined) return yield* Effect.die(new Error(`There is no poll ${poll} any more`))
            const { options, revision, ...rules } = row
            const ranked = { revision: Number(revision), options, rules }
            yield* begin(ranked)
            let last: string | null = ""
            while (last !== null) {
              const [page]: ReadonlyArray<Page> = yield* sql<Page>`
                select convert_to(string_agg(choice || ' ' || count, E'\n' order by choice), 'UTF8') as lines,
                  max(choice) as last
                from (
                  select choice, count from choice_tally where poll = ${poll} and choice > ${last}
                  order by choice limit ${PgTypes.int4(pageSize)}
                ) page`
              if (page !== undefined && page.lines !== null) yield* add(page.lines)
              last = page?.last ?? null
            }
            return ranked
          })
        ).pipe(outOfService(readTimeout))

      const store: Tabulations["Service"]["store"] = (claim, revision, result, ms) =>
        sql<{ poll: string }>`
          update tabulation
          set revision = ${int8(revision)}, result = ${result}, made_at = clock_timestamp(),
            due_at = clock_timestamp() + greatest('2 seconds', make_interval(secs => ${PgTypes.float8(ms / 100)})),
            held_until = '-infinity', holder = null
          where poll = ${claim.poll} and holder = ${PgTypes.uuid(claim.holder)}
          returning poll`.pipe(
          outOfService(timeout),
          Effect.map((rows) => rows.length === 1)
        )

      return Tabulations.of({ claim, isBehind: () => behind, renew, release, read, store })
    })
  )
}

interface RankedRow extends Pick<TabulationRules, "method" | "seats" | "tieBreak" | "tieSeed"> {
  readonly revision: bigint
  readonly options: ReadonlyArray<string>
}

interface Page {
  readonly lines: Uint8Array | null
  readonly last: string | null
}
