import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { arrayOf } from "./Parameters.ts"
import { brokenRules } from "./RuleBooks.ts"
import { inTransaction } from "./Transaction.ts"

/**
 * A choice or an option, the sum of an option, one score of it, what its result became final with, or all ballots of a poll, of
 * which tally and ledger rows say something else; or votes that break a rule of their poll.
 */
export interface TallyDifference {
  readonly poll: string
  readonly name: string
  readonly tally: number
  readonly ledger: number
  /** Whether it is in the ledger's own rows, so that making the tallies anew from them leaves it. */
  readonly stays?: true
}

/** The votes that count by poll and choice, those that were dropped or imported included. */
export const countedVotes = (sql: SqlClient.SqlClient) => sql`
  select poll, choice, sum(votes)::bigint as count
  from (
    select poll, choice, count(*) as votes from vote_event where status = 'counted' group by poll, choice
    union all
    select poll, choice, votes from ledger_archive where status in ('counted', 'imported')
    union all
    select poll, choice, -votes from displaced
  ) every_vote
  group by poll, choice`

/** What these choices say, with their votes. */
const partsOfChoices = (sql: SqlClient.SqlClient) => sql`
  select p.poll, c.choices[p.number] as choice, p.kind, p.option, p.value, c.counts[p.number] as votes
  from (
    select array_agg(poll) as polls, array_agg(choice) as choices, array_agg(count) as counts from counted
  ) c, choice_parts(c.polls, c.choices) p`

/** The votes by option that they make. */
const votesOfOptions = (sql: SqlClient.SqlClient) => sql`
  select poll, kind, option, value, sum(votes)::bigint as votes
  from part where option is not null group by poll, kind, option, value`

/** The polls whose results have been the same ever since they became final: what they became final with is what counts now. */
const unchangedSinceFinal = (sql: SqlClient.SqlClient) => sql`
  select slug as poll from poll where final_at is not null and changed_after_final is null`

/** The polls in which a voter has one vote, whose ballots are there. */
const havingVoters = (sql: SqlClient.SqlClient) => sql`
  select slug as poll from poll where ballot <> 'open' and not decided`

interface Row {
  readonly poll: string
  readonly of: string
  readonly name: string
  readonly tally: bigint
  readonly ledger: bigint
}

/** What is of the ledger's own rows. */
const lasting: ReadonlySet<string> = new Set(["voters", "no choice", "time"])

/**
 * What differs between the tallies and the ledger's rows: counts of choices and options, sums, counts of scores, what results
 * became final with, and ballots; between the tallies of choices and what the voters' ballots name; and between the ledger's rows
 * and the rules of their polls.
 */
export const tallyDifferences = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<Row>`
    with counted as materialized (${countedVotes(sql)}), part as materialized (${partsOfChoices(sql)}), said as materialized (${votesOfOptions(sql)}),
    still_final as materialized (${unchangedSinceFinal(sql)}), with_voters as materialized (${havingVoters(sql)}),
    told (poll, of, name, tally, ledger) as (
      select poll, 'choice', choice, count, 0 from choice_tally
      union all select poll, 'choice', choice, 0, count from counted
      union all select poll, 'option', option, count, 0 from tally
      union all select poll, 'option', option, 0, votes from said
      union all select poll, 'sum', option || ' (sum)', sum, 0 from tally
      union all select poll, 'sum', option || ' (sum)', 0, votes * value from said where value is not null
      union all select poll, 'score', option || ':' || score, count, 0 from score_tally
      union all select poll, 'score', option || ':' || value, 0, votes from said where kind = 'score'
      union all select poll, 'final', option || ' (final)', coalesce(final_count, 0), 0
        from tally join still_final using (poll)
      union all select poll, 'final', option || ' (final)', 0, votes from said join still_final using (poll)
      union all select poll, 'final sum', option || ' (final sum)', coalesce(final_sum, 0), 0
        from tally join still_final using (poll)
      union all select poll, 'final sum', option || ' (final sum)', 0, votes * value
        from said join still_final using (poll) where value is not null
      union all select slug, 'ballots', 'all ballots', ballots, 0 from poll
      union all select poll, 'ballots', 'all ballots', 0, count from counted
      union all select poll, 'voters', choice || ' (voters)', count, 0 from choice_tally join with_voters using (poll)
      union all select poll, 'voters', choice || ' (voters)', 0, count(*)
        from ballot join with_voters using (poll) group by poll, choice
      union all select c.poll, 'no choice', coalesce(c.choice, 'nothing') || ' (no choice)', 0, c.count
        from counted c left join (select distinct poll, choice from part) p using (poll, choice)
        where p.poll is null and c.count <> 0
      union all ${brokenRules(sql)}
    )
    select distinct on (poll, name, tally, ledger) coalesce(poll, 'no poll') as poll, of, coalesce(name, 'nothing') as name,
      sum(tally)::bigint as tally, sum(ledger)::bigint as ledger
    from told group by poll, of, name having sum(tally) <> sum(ledger) order by poll, name`
  return rows.map(
    ({ of, ...row }): TallyDifference => ({
      ...row,
      tally: Number(row.tally),
      ledger: Number(row.ledger),
      ...(lasting.has(of) ? { stays: true } : {})
    })
  )
})

/** Whether it is of what a result became final with. */
const isOfFinal = ({ name }: TallyDifference): boolean => / \(final( sum)?\)$/.test(name)

const pollsOf = (differences: ReadonlyArray<TallyDifference>) =>
  arrayOf("text", [...new Set(differences.map(({ poll }) => poll))])

/**
 * Makes the tallies anew from the ledger; counting waits meanwhile. Returns how many of them were wrong. What a result became
 * final with is what was shown then, right or wrong: it is put right only where the tally, which nothing has changed since, is right.
 */
export const rebuildTallies = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* inTransaction(sql)(
    Effect.gen(function* () {
      // What counts takes these locks, in this order, before it changes a tally.
      yield* sql`select hold_horizon()`
      yield* sql`select lock_polls(array(select slug from poll))`
      const changed = (yield* tallyDifferences).filter(({ stays }) => stays === undefined)
      const polls = pollsOf(changed.filter((difference) => !isOfFinal(difference)))
      yield* sql`
        update tally set final_count = count, final_sum = sum
        where poll = any (${pollsOf(changed.filter(isOfFinal))}) and poll <> all (${polls})`
      yield* sql`delete from choice_tally where poll = any (${polls})`
      yield* sql`delete from score_tally where poll = any (${polls})`
      yield* sql`update tally set count = 0, sum = 0 where poll = any (${polls})`
      yield* sql`update poll set ballots = 0 where slug = any (${polls})`
      yield* sql`
        with counted as materialized (select * from (${countedVotes(sql)}) c where poll = any (${polls}))
        select change_tallies(array_agg(poll), array_agg(choice), array_agg(count)) from counted`
      yield* sql`
        update poll
        set revision = revision + 1, last_updated = clock_timestamp(),
          changed_after_final = case when final_at is not null then clock_timestamp() end
        where slug = any (${polls})`
      return changed.length
    })
  )
})
