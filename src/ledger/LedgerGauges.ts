import { Clock, Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { clockSkew, clockSkewGauge, elapsed, elapsedMs } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { outOfService, questions } from "./Bounded.ts"
import { Ledger } from "./Ledger.ts"

/** How often the database is asked. */
const interval = "5 seconds"
const timeout = "5 seconds"

/** Measures the database as this process sees it; `maxConnections` is the size of its pool. */
export const layerLedgerGauges = (maxConnections: number): Layer.Layer<never, never, Ledger | SqlClient.SqlClient> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const meter = yield* makeMeter
      let up: boolean | undefined
      let deadLetters = 0
      let counting = 0
      /** When the first of the polls that are counting has closed, in ms of `elapsed`. */
      let countingSince: number | undefined
      let tabulationAge = 0
      let skew = Number.NaN
      const clock = yield* Clock.Clock
      yield* meter.gauge("tallykeep_server_up", "Whether the server answers", () => Number(up === true), {
        server: "database"
      })
      yield* meter.gauge(...clockSkewGauge, () => skew / 1000, { server: "database" })
      yield* meter.gauge("tallykeep_dead_letters", "Dead letters that the database keeps", () => deadLetters)
      yield* meter.gauge("tallykeep_polls_counting", "Polls that have closed and are not final yet", () => counting)
      yield* meter.gauge("tallykeep_polls_counting_seconds", "How long ago the first of them has closed", () =>
        countingSince === undefined ? 0 : (elapsedMs(clock) - countingSince) / 1000
      )
      yield* meter.gauge(
        "tallykeep_tabulation_age_seconds",
        "How old the oldest tabulation is that is not of a ranked poll's present votes",
        () => tabulationAge
      )
      yield* meter.gauge(
        "tallykeep_database_questions",
        "Questions to the database under way, those that wait for a connection too",
        questions
      )
      yield* meter.gauge(
        "tallykeep_database_connections_limit",
        "The most connections of this process",
        () => maxConnections
      )
      const reconnected = meter.counter("tallykeep_reconnects_total", "Times that the server answered again", {
        server: "database"
      })

      const question = sql<{ count: bigint; ms: number; counting: bigint; since: bigint | null; age: number | null }>`
        select (select count(*) from dead_letter) as count, n.ms, count(p.slug) as counting, min(p.closes_ms) as since,
          (
            select extract(epoch from clock_timestamp() - min(coalesce(t.made_at, r.created_at)))::float8
            from poll r left join tabulation t on t.poll = r.slug
            where r.kind = 'ranked' and r.revision > coalesce(t.revision, 0)
          ) as age
        from (select extract(epoch from clock_timestamp())::float8 * 1000 as ms) n
        left join poll p on p.final_at is null and p.closes_ms <= n.ms
        group by n.ms`
      const ask = Effect.gen(function* () {
        const askedAt = yield* elapsed
        const [row] = yield* question.pipe(outOfService(timeout))
        const [ms, answeredAt] = [Number(row?.ms), yield* elapsed]
        return {
          count: Number(row?.count),
          counting: Number(row?.counting),
          countingSince: typeof row?.since === "bigint" ? answeredAt - (ms - Number(row.since)) : undefined,
          tabulationAge: row?.age ?? 0,
          skew: clockSkew(clock, ms, askedAt, answeredAt)
        }
      })
      const look = Effect.andThen(ledger.ping, ask).pipe(
        Effect.match({
          onFailure: () => {
            up = up === undefined ? undefined : false
            skew = Number.NaN
          },
          onSuccess: (answer) => {
            if (up === false) reconnected()
            up = true
            deadLetters = answer.count
            counting = answer.counting
            countingSince = answer.countingSince
            tabulationAge = answer.tabulationAge
            skew = answer.skew
          }
        })
      )
      yield* ledger.migrated.pipe(Effect.andThen(Effect.repeat(look, Schedule.spaced(interval))), Effect.forkScoped)
    })
  )
