// Votes in polls where each one counts that was accepted in time.
import { columnsOf, namedOptions } from "./polls.mjs"

const text = `
  with inserted as (
    insert into vote_event (vote_id, poll, choice, status, reason, accepted_ms, accepted_seq, cast_at)
    select e.vote_id, e.poll, e.choice,
      case when e.ms < p.opens_ms or e.ms >= p.closes_ms then 'rejected' else 'counted' end,
      case when e.ms < p.opens_ms then 'the poll was not open yet' when e.ms >= p.closes_ms then 'the poll was closed' end,
      e.ms, e.seq, to_timestamp(e.cast_ms / 1000.0)
    from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
      as e (vote_id, poll, choice, ms, seq, cast_ms)
    join poll p on p.slug = e.poll
    returning poll, choice, status
  ), delta as (
    select poll, choice, count(*) as votes from inserted where status = 'counted' group by poll, choice
  ), by_choice as (
    insert into choice_tally as t (poll, choice, count) select poll, choice, votes from delta order by poll, choice
    on conflict (poll, choice) do update set count = t.count + excluded.count
  )
  update tally set count = tally.count + d.votes
  from (
    select n.poll, n.option, sum(delta.votes) as votes
    from unnest($7::text[], $8::text[], $9::text[]) as n (poll, choice, option) join delta using (poll, choice)
    group by n.poll, n.option
  ) d
  where tally.poll = d.poll and tally.option = d.option`

/** Gives what counts votes that are new; it fails where one is in the ledger. */
export const countOpen = (pool, optionsOf) => (votes) => {
  const [ids, polls, choices, , ...times] = columnsOf(votes)
  return pool.query({ name: "count", text, values: [ids, polls, choices, ...times, ...namedOptions(votes, optionsOf)] })
}
