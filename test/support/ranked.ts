import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { createPoll } from "./votes.ts"

/** Ballots as the files in test/data/elections have them: how many, and their ranking. */
export type Ballots = ReadonlyArray<readonly [number, ReadonlyArray<string>]>

export interface RankedPoll {
  readonly options: ReadonlyArray<string>
  readonly method: "irv" | "stv" | "condorcet"
  readonly seats?: number
  readonly ballots: Ballots
}

/** Adds ballots to a ranked poll, as counting does. */
export const addBallots = Effect.fnUntraced(function* (poll: string, ballots: Ballots) {
  const sql = yield* SqlClient.SqlClient
  const choices = JSON.stringify(ballots.map(([count, ranking]) => [ranking.join(">"), count]))
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`
        insert into choice_tally as t (poll, choice, count)
        select ${poll}, b ->> 0, sum((b ->> 1)::bigint) from json_array_elements(${choices}::json) b group by 2
        on conflict (poll, choice) do update set count = t.count + excluded.count`
      yield* sql`
        update tally t set count = c.count
        from (
          select split_part(choice, '>', 1) as option, sum(count) as count
          from choice_tally where poll = ${poll} group by 1
        ) c
        where t.poll = ${poll} and t.option = c.option`
      yield* sql`
        update poll
        set revision = revision + 1, last_updated = clock_timestamp(),
          ballots = (select sum(count) from choice_tally where poll = slug)
        where slug = ${poll}`
    })
  )
})

/** Makes a ranked poll that has these ballots; its seed is 32 times the byte 7. */
export const rankedPoll = Effect.fnUntraced(function* ({ ballots, method, options, seats = 1 }: RankedPoll) {
  const sql = yield* SqlClient.SqlClient
  const poll = yield* createPoll({ options: options.map((id) => ({ id, label: id })) })
  yield* sql`
    update poll
    set kind = 'ranked', max = ${Math.min(12, options.length)}, method = ${method}, seats = ${seats},
      tie_break = 'previous_rounds', tie_seed = decode(repeat('07', 32), 'hex')
    where slug = ${poll}`
  yield* addBallots(poll, ballots)
  return poll
})
