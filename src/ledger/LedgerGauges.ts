import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { clockSkew, clockSkewGauge, elapsed, elapsedMs, onBeat } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { outOfService, questions } from "./Bounded.ts"
import { Ledger } from "./Ledger.ts"
import { readOnly } from "./ReadOnly.ts"

/** How often the database is asked, in ms. */
const interval = 5_000
const timeout = "5 seconds"

interface Row {
  readonly readOnly: boolean
  readonly count: bigint
  readonly ms: number
  readonly counting: bigint
  readonly since: bigint | null
  readonly due: number | null
}

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
      /** When the first of the tabulations was due that are yet to be made, in ms of `elapsed`. */
      let tabulationDue: number | undefined
      let skew = Number.NaN
      const clock = yield* Clock.Clock
      yield* meter.gauge("tallykeep_server_up", "Whether the server answers", () => Number(up === true), {
        server: "database"
      })
      yield* meter.gauge(...clockSkewGauge, () => skew / 1000, { server: "database" })
      yield* meter.gauge("tallykeep_dead_letters", "Dead letters that the database keeps", () => deadLetters)
      yield* meter.gauge("tallykeep_polls_counting", "Polls that have closed and are not final yet", () => counting)
      const secondsSince = (at: number | undefined): number =>
        at === undefined ? 0 : Math.max(0, elapsedMs(clock) - at) / 1000
      yield* meter.gauge("tallykeep_polls_counting_seconds", "How long ago the first of them has closed", () =>
        secondsSince(countingSince)
      )
      yield* meter.gauge(
        "tallykeep_tabulation_due_seconds",
        "How long ago the first tabulation of a ranked poll was due that is yet to be made",
        () => secondsSince(tabulationDue)
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

      const question = sql<Row>`
        select ${readOnly(sql)}, (select count(*) from dead_letter) as count, n.ms, count(p.slug) as counting, min(p.closes_ms) as since,
          (
            select extract(epoch from min(
              -- One that is final does not wait.
              case when r.final_at is null then coalesce(nullif(t.due_at, '-infinity'), r.created_at) else r.last_updated end
            ))::float8 * 1000
            from poll r left join tabulation t on t.poll = r.slug
            where r.kind = 'ranked' and r.revision > coalesce(t.revision, 0)
          ) as due
        from (select extract(epoch from clock_timestamp())::float8 * 1000 as ms) n
        left join poll p on p.final_at is null and p.closes_ms <= n.ms
        group by n.ms`
      const ask = Effect.gen(function* () {
        const askedAt = yield* elapsed
        const [row] = yield* question.pipe(outOfService(timeout))
        // Which fails then.
        if (row?.readOnly === true) yield* ledger.ping
        const [ms, answeredAt] = [Number(row?.ms), yield* elapsed]
        const elapsedAt = (at: number) => answeredAt - (ms - at)
        return {
          count: Number(row?.count),
          counting: Number(row?.counting),
          countingSince: typeof row?.since === "bigint" ? elapsedAt(Number(row.since)) : undefined,
          tabulationDue: typeof row?.due === "number" ? elapsedAt(row.due) : undefined,
          skew: clockSkew(clock, ms, askedAt, answeredAt)
        }
      })
      const look = ask.pipe(
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
            tabulationDue = answer.tabulationDue
            skew = answer.skew
          }
        })
      )
      yield* ledger.migrated.pipe(Effect.andThen(Effect.repeat(look, onBeat(interval))), Effect.forkScoped)
    })
  )
