import type { SqlClient } from "effect/sql"

/*
 * What the rows of votes have to be by the rules of their polls. Nothing that is counted breaks one; what does was changed by someone
 * else, and no tally says so. Each is told as a difference of so many in the tally, where there should be none.
 */

/** The lowest `vote_id` of the rows that still change; looked up once, and not for each row. */
const oldest = (sql: SqlClient.SqlClient) => sql`(select vote_id_at(ledger_horizon()))`

/** The votes that count, and were accepted while their poll was not open. */
const outOfTime = (sql: SqlClient.SqlClient) => sql`
  select poll, 'time', 'votes out of its time', count(*), 0
  from vote_event v join poll p on p.slug = v.poll and not p.decided
  where v.status = 'counted' and v.vote_id >= ${oldest(sql)}
    and (v.accepted_ms < p.opens_ms or v.accepted_ms >= p.closes_ms or p.shut @> v.accepted_ms)
  group by poll`

/**
 * The ballots whose vote is not there as they say, as where it is another voter's; and the votes that come before the one that a
 * ballot names, where a voter's first one counts, or after it, where the latest does.
 */
const ofVoters = (sql: SqlClient.SqlClient) => sql`
  select k.poll, 'voters', broken.name, broken.number, 0
  from (
    select poll, count(*) as ballots from ballot where vote_id >= ${oldest(sql)} group by poll
  ) k
  join poll p on p.slug = k.poll and p.ballot <> 'open' and not p.decided
  left join (
    select b.poll,
      count(*) filter (
        where (v.vote_id, v.choice, v.accepted_ms, v.accepted_seq, v.status)
          = (b.vote_id, b.choice, b.accepted_ms, b.accepted_seq, 'counted')
      ) as named,
      count(*) filter (
        where (v.status in ('counted', 'superseded') or v.reason = 'the voter has voted')
          and case p.ballot
            when 'once' then (v.accepted_ms, v.accepted_seq) < (b.accepted_ms, b.accepted_seq)
            else (v.accepted_ms, v.accepted_seq) > (b.accepted_ms, b.accepted_seq)
          end
      ) as passed
    from ballot b join poll p on p.slug = b.poll join vote_event v on v.poll = b.poll and v.voter = b.voter
    where v.vote_id >= ${oldest(sql)}
    group by b.poll
  ) f on f.poll = k.poll
  cross join lateral (
    values ('ballots that name no vote of their voter', k.ballots - coalesce(f.named, 0)),
      ('votes that another one counts in place of', coalesce(f.passed, 0))
  ) as broken (name, number)`

/** The votes that break a rule of their poll, as rows of `poll, of, name, tally, ledger`. */
export const brokenRules = (sql: SqlClient.SqlClient) => sql`${outOfTime(sql)} union all ${ofVoters(sql)}`
