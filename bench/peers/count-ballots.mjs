// Votes in polls of kind single where a voter's first (once) or latest (changeable) vote counts, by acceptance and whatever
// order the batches come in. All of it is one function, so that the lock is taken before the ballots are read.
import { columnsOf, namedOptions } from "./polls.mjs"

const seat = `insert into ballot as b (poll, voter, vote_id, accepted_ms, accepted_seq, choice)
      select poll, voter, vote_id, ms, seq, choice from best order by poll, voter
      on conflict (poll, voter)`
const take = (from) => `vote_id = ${from}.vote_id, choice = ${from}.choice`
const winner = "new.vote_id, new.poll, new.choice, old.vote_id as former, old.choice as former_choice"

const rules = {
  once: {
    order: "ms, seq",
    status: "'rejected'",
    reason: "'the voter has voted'",
    // A voter who has voted is left alone, and no row is locked, but where that vote was accepted later.
    seats: `seated as (
      ${seat} do nothing
      returning vote_id, poll, choice, null::uuid as former, null::text as former_choice
    ), earlier as (
      update ballot b set ${take("e")}, accepted_ms = e.ms, accepted_seq = e.seq
      from best e
      where e.vote_id not in (select vote_id from seated)
        and b.poll = e.poll and b.voter = e.voter and (e.ms, e.seq) < (b.accepted_ms, b.accepted_seq)
      returning ${winner}
    ), winner as (
      select * from seated union all select * from earlier
    )`
  },
  changeable: {
    order: "ms desc, seq desc",
    status: "'superseded'",
    reason: "null",
    seats: `winner as (
      ${seat} do update
      set ${take("excluded")}, accepted_ms = excluded.accepted_ms, accepted_seq = excluded.accepted_seq
      where (excluded.accepted_ms, excluded.accepted_seq) > (b.accepted_ms, b.accepted_seq)
      returning ${winner}
    )`
  }
}

const makeFunction = ({ order, reason, seats, status }) => `create or replace function peer_count_ballots(
    vote_ids uuid[], polls text[], choices text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[]
  ) returns void language plpgsql
  -- A plan for batches of any length takes them for short, and costs PostgreSQL more.
  set plan_cache_mode = force_custom_plan
  as $$
  #variable_conflict use_column
  begin
    perform 1 from poll where slug = any (polls) order by slug for update;
    with entry as materialized (
      select e.*, case
          when e.ms < p.opens_ms then 'the poll was not open yet' when e.ms >= p.closes_ms then 'the poll was closed'
        end as late
      from unnest(vote_ids, polls, choices, voters, ms, seqs, cast_ms)
        as e (vote_id, poll, choice, voter, ms, seq, cast_ms)
      join poll p on p.slug = e.poll
    ), best as materialized (
      select distinct on (poll, voter) * from entry where late is null order by poll, voter, ${order}
    ), ${seats}, event as (
      insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
      select e.vote_id, e.poll, e.choice, e.voter,
        case when w.vote_id is not null then 'counted' when e.late is not null then 'rejected' else ${status} end,
        case when w.vote_id is null then coalesce(e.late, ${reason}) end,
        e.ms, e.seq, to_timestamp(e.cast_ms / 1000.0)
      from entry e left join winner w on w.vote_id = e.vote_id
    ), displaced as (
      update vote_event set status = ${status}, reason = ${reason}
      where vote_id = any (array(select former from winner where former is not null))
    ), delta as (
      select poll, choice, sum(votes) as votes
      from (
        select poll, choice, 1 as votes from winner
        union all
        select poll, former_choice, -1 from winner where former is not null
      ) change
      group by poll, choice
    ), fewer as (
      update choice_tally t set count = t.count + d.votes
      from delta d where d.votes < 0 and t.poll = d.poll and t.choice = d.choice
    ), more as (
      insert into choice_tally as t (poll, choice, count) select poll, choice, votes from delta where votes > 0
      on conflict (poll, choice) do update set count = t.count + excluded.count
    )
    update tally set count = tally.count + d.votes
    from delta d
    where tally.poll = d.poll and tally.option = d.choice and d.votes <> 0;
  end $$`

const text = "select peer_count_ballots($1, $2, $3, $4, $5, $6, $7)"

/** Gives what counts votes that are new; it fails where one is in the ledger. */
export const countBallots = async (pool, optionsOf, rule) => {
  await pool.query(makeFunction(rules[rule]))
  return (votes) => {
    namedOptions(votes, optionsOf)
    return pool.query({ name: "count", text, values: columnsOf(votes) })
  }
}
