-- Counts the votes of a batch that are in polls where a voter's first (`once`) or latest (`changeable`) vote counts,
-- by acceptance and whatever order the batches come in. A vote that counted until now and no longer does is marked
-- so, and taken out of the tally.
-- Takes arrays with an element for each vote of the batch, those of other polls too; see increment_vote.
-- Returns how many votes came new into the ledger (`fresh`), and how many of them by poll and status (`recorded`):
-- [{poll, status, votes}].
--
-- Locks: vote_event (hold_horizon), the polls by slug, the votes by id, the voters' ballots.
create or replace function count_ballots(
  vote_ids uuid[], polls text[], choices text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  out fresh bigint, out recorded jsonb
)
language plpgsql as $$
#variable_conflict use_column
declare
  -- Votes below it are not counted any more.
  oldest constant uuid := vote_id_at(hold_horizon());
  delta_polls text[];
  delta_choices text[];
  delta_counts bigint[];
  rejected uuid[];
  superseded uuid[];
begin
  -- Until the transaction ends, nobody else decides over the voters of these polls.
  perform 1 from poll where slug = any (polls) and ballot <> 'open' order by slug for update;

  with entry as (
    -- `late` is what out_of_time returns, which takes longer when it is called for each vote.
    select distinct on (e.vote_id) e.*, p.ballot,
      case when e.ms < p.opens_ms then 'the poll was not open yet' when e.ms >= p.closes_ms then 'the poll was closed' end as late
    from unnest(vote_ids, polls, choices, voters, ms, seqs, cast_ms) as e (vote_id, poll, choice, voter, ms, seq, cast_ms)
    join poll p on p.slug = e.poll and p.ballot <> 'open'
    where e.voter is not null
      and e.vote_id >= oldest
      and (not p.decided or e.ms < p.opens_ms or e.ms >= p.closes_ms)
      -- Looked up one by one: in a join, the planner reads every partition, not the one that an id is in.
      and (select true from vote_event v where v.vote_id = e.vote_id) is null
    order by e.vote_id, e.ms, e.seq
  ), candidate as (
    -- The new votes, and of their voters the votes that count so far.
    select poll, voter, vote_id, choice, ms, seq, cast_ms, ballot, late, true as fresh from entry
    union all
    select b.poll, b.voter, b.vote_id, b.choice, b.accepted_ms, b.accepted_seq, null, p.ballot, null, false
    from (select distinct poll, voter, ballot from entry where late is null) p
    -- Looked up one by one: in a join, the planner may read the ballots of all voters.
    cross join lateral (select b.* from ballot b where b.poll = p.poll and b.voter = p.voter offset 0) b
  ), ranked as (
    select c.*,
      c.late is null and row_number() over (
        partition by c.poll, c.voter, c.late is null
        order by case c.ballot when 'once' then c.ms else -c.ms end, case c.ballot when 'once' then c.seq else -c.seq end
      ) = 1 as wins
    from candidate c
  ), inserted as (
    insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select vote_id, poll, choice, voter,
      case
        when wins then 'counted'
        when late is not null or ballot = 'once' then 'rejected'
        else 'superseded'
      end,
      case when late is not null then late when not wins and ballot = 'once' then 'the voter has voted' end,
      ms, seq, to_timestamp(cast_ms::float8 / 1000)
    from ranked
    where fresh
    order by vote_id
    returning vote_id, poll, choice, status
  ), displaced as (
    -- The votes that counted so far and no longer do.
    select vote_id, poll, choice, case ballot when 'once' then 'rejected' else 'superseded' end as status
    from ranked
    where not fresh and not wins
  ), logged as (
    insert into log_queue (kind, polls, vote_ids)
    select d.status, array_agg(d.poll), array_agg(d.vote_id)
    from displaced d join poll p on p.slug = d.poll and p.log
    group by d.status
  ), seated as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select poll, voter, vote_id, choice, ms, seq from ranked where fresh and wins order by poll, voter
    on conflict (poll, voter) do update
    set vote_id = excluded.vote_id, choice = excluded.choice,
      accepted_ms = excluded.accepted_ms, accepted_seq = excluded.accepted_seq
  ), booked as (
    -- Their rows, where these are below the horizon, do not change.
    insert into ledger_archive (poll, choice, status, votes)
    select d.poll, d.choice, c.status, sum(c.votes)
    from displaced d cross join lateral (values ('counted', -1), (d.status, 1)) as c (status, votes)
    where d.vote_id < oldest
    group by d.poll, d.choice, c.status
  ), change as (
    select poll, choice, 1 as votes from inserted where status = 'counted'
    union all
    select poll, choice, -1 from displaced
  ), delta as (
    select poll, choice, sum(votes) as votes from change group by poll, choice
  )
  select (select count(*) from inserted),
    (select coalesce(jsonb_agg(r), '[]') from (
      select poll, status, count(*) as votes from inserted group by poll, status
    ) r),
    (select array_agg(vote_id) from displaced where status = 'rejected' and vote_id >= oldest),
    (select array_agg(vote_id) from displaced where status = 'superseded' and vote_id >= oldest),
    array_agg(poll), array_agg(choice), array_agg(votes)
  into fresh, recorded, rejected, superseded, delta_polls, delta_choices, delta_counts
  from delta;

  if rejected is not null then
    update vote_event set status = 'rejected', reason = 'the voter has voted' where vote_id = any (rejected);
  end if;
  if superseded is not null then
    update vote_event set status = 'superseded' where vote_id = any (superseded);
  end if;

  if delta_polls is not null then
    perform change_tallies(delta_polls, delta_choices, delta_counts);
  end if;
end
$$;
