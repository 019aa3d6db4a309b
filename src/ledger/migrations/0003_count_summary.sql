-- increment_vote looks up a batch's options once and not for each vote, and can also tell what became of the votes it
-- brought into the ledger: with `summary`, rows with a `poll`, a `status` and how many `votes` came to it, beside those
-- with a `place`. Without it, its answer is as it was.

drop function increment_vote(uuid[], text[], text[], bytea[], bigint[], bigint[], bigint[]);
drop function count_ballots(uuid[], text[], text[], bytea[], bigint[], bigint[], bigint[]);

-- Counts a batch of votes, given as arrays of the same length, in one transaction and exactly once each: what the
-- ledger already holds by `vote_id` changes nothing. Returns the votes it refused, by their place in the arrays (from 1),
-- with the reason; all others are in the ledger when it returns.
--
-- Locks are taken in one order whatever the order of the batch, so that two batches can't deadlock: the polls with a
-- ballot rule by slug, the votes by id, the other polls by slug. A poll's tallies change only under the lock on its row.
create function increment_vote(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  summary boolean default false
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  fresh bigint;
  held bigint := 0;
  recorded jsonb := '[]';
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
  delta_entries bigint[];
begin
  if exists (select from poll where slug = any (polls) and ballot <> 'open') then
    select b.fresh, b.recorded into held, recorded
    from count_ballots(vote_ids, polls, options, voters, ms, seqs, cast_ms) b;
  end if;

  with choice as materialized (
    select t.poll, t.option, p.opens_ms, p.closes_ms
    from poll p join tally t on t.poll = p.slug
    where p.slug = any (polls) and p.ballot = 'open'
  ), inserted as (
    insert into vote_event (vote_id, poll, option, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select e.vote_id, e.poll, e.option, e.voter,
      case when e.ms < c.opens_ms or e.ms >= c.closes_ms then 'rejected' else 'counted' end,
      -- As out_of_time says; a call for each vote would take longer.
      case when e.ms < c.opens_ms then 'the poll was not open yet' when e.ms >= c.closes_ms then 'the poll was closed' end,
      e.ms, e.seq, to_timestamp(e.cast_ms::float8 / 1000)
    from unnest(vote_ids, polls, options, voters, ms, seqs, cast_ms) as e (vote_id, poll, option, voter, ms, seq, cast_ms)
    join choice c on c.poll = e.poll and c.option = e.option
    -- Should the batch hold a vote twice, the lowest entry id is its acceptance.
    order by e.vote_id, e.ms, e.seq
    on conflict (vote_id) do nothing
    returning poll, option, status
  ), delta as (
    select poll, option, count(*) filter (where status = 'counted') as votes, count(*) as entries
    from inserted group by poll, option
  )
  select coalesce(sum(entries), 0), array_agg(poll), array_agg(option), array_agg(votes), array_agg(entries)
  into fresh, delta_polls, delta_options, delta_counts, delta_entries
  from delta;

  if fresh > 0 then
    perform change_tallies(delta_polls, delta_options, delta_counts);
  end if;

  if summary then
    return query
      select null::bigint, null::text, r.poll, r.status, sum(r.votes)::bigint
      from (
        select * from jsonb_to_recordset(recorded) as r (poll text, status text, votes bigint)
        union all
        select d.poll, 'counted', d.counted from unnest(delta_polls, delta_counts) as d (poll, counted)
        union all
        select d.poll, 'rejected', d.entries - d.counted
        from unnest(delta_polls, delta_counts, delta_entries) as d (poll, counted, entries)
      ) r
      group by r.poll, r.status
      having sum(r.votes) > 0;
  end if;

  -- Only a batch with something else in it than new votes pays for finding out what.
  if fresh + held < cardinality(vote_ids) then
    perform record_duplicates(vote_ids, ms, seqs);
    return query
      select e.place, case
        when p.slug is null then 'unknown poll'
        when t.poll is null then 'unknown option'
        else 'the poll needs a voter'
      end, null::text, null::text, null::bigint
      from unnest(vote_ids, polls, options, voters) with ordinality as e (vote_id, poll, option, voter, place)
      left join poll p on p.slug = e.poll
      left join tally t on t.poll = e.poll and t.option = e.option
      where (t.poll is null or (p.ballot <> 'open' and e.voter is null))
        and not exists (select from vote_event v where v.vote_id = e.vote_id)
      order by e.place;
  end if;
end
$$;

-- The part of a batch that is in polls where a voter's first (`once`) or latest (`changeable`) vote counts, by
-- acceptance and whatever order batches come in. A vote that counted until now and no longer does is marked so, and
-- taken out of the tally. Gives how many new votes it brought into the ledger, and of each poll and status how many, as
-- they were then: [{poll, status, votes}].
create function count_ballots(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  out fresh bigint, out recorded jsonb
)
language plpgsql as $$
#variable_conflict use_column
declare
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
begin
  -- Until the end of the transaction, nobody else decides over these polls' voters.
  perform 1 from poll where slug = any (polls) and ballot <> 'open' order by slug for update;

  with entry as (
    select distinct on (e.vote_id) e.*, p.ballot, out_of_time(p, e.ms) as late
    from unnest(vote_ids, polls, options, voters, ms, seqs, cast_ms) as e (vote_id, poll, option, voter, ms, seq, cast_ms)
    join poll p on p.slug = e.poll and p.ballot <> 'open'
    join tally t on t.poll = e.poll and t.option = e.option
    where e.voter is not null and not exists (select from vote_event v where v.vote_id = e.vote_id)
    order by e.vote_id, e.ms, e.seq
  ), candidate as (
    select poll, voter, vote_id, ms, seq from entry where late is null
    union all
    select poll, voter, vote_id, accepted_ms, accepted_seq
    from ballot where (poll, voter) in (select poll, voter from entry where late is null)
  ), winner as (
    select distinct on (c.poll, c.voter) c.*
    from candidate c join poll p on p.slug = c.poll
    order by c.poll, c.voter,
      case p.ballot when 'once' then c.ms else -c.ms end, case p.ballot when 'once' then c.seq else -c.seq end
  ), inserted as (
    insert into vote_event (vote_id, poll, option, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select e.vote_id, e.poll, e.option, e.voter,
      case
        when e.late is not null then 'rejected'
        when w.vote_id is not null then 'counted'
        when e.ballot = 'once' then 'rejected'
        else 'superseded'
      end,
      case when e.late is not null then e.late when w.vote_id is null and e.ballot = 'once' then 'the voter has voted' end,
      e.ms, e.seq, to_timestamp(e.cast_ms / 1000.0)
    from entry e
    left join winner w on w.vote_id = e.vote_id
    order by e.vote_id
    returning vote_id, poll, option, status
  ), displaced as (
    update vote_event v
    set status = case p.ballot when 'once' then 'rejected' else 'superseded' end,
      reason = case p.ballot when 'once' then 'the voter has voted' end
    from winner w
    join ballot b on b.poll = w.poll and b.voter = w.voter and b.vote_id <> w.vote_id
    join poll p on p.slug = w.poll
    where v.vote_id = b.vote_id
    returning v.poll, v.option
  ), seated as (
    insert into ballot (poll, voter, vote_id, accepted_ms, accepted_seq)
    select poll, voter, vote_id, ms, seq from winner order by poll, voter
    on conflict (poll, voter) do update
    set vote_id = excluded.vote_id, accepted_ms = excluded.accepted_ms, accepted_seq = excluded.accepted_seq
    where ballot.vote_id <> excluded.vote_id
  ), change as (
    select poll, option, 1 as votes from inserted where status = 'counted'
    union all
    select poll, option, -1 from displaced
  ), delta as (
    select poll, option, sum(votes) as votes from change group by poll, option
  )
  select (select count(*) from inserted),
    (select coalesce(jsonb_agg(r), '[]') from (
      select poll, status, count(*) as votes from inserted group by poll, status
    ) r),
    array_agg(poll), array_agg(option), array_agg(votes)
  into fresh, recorded, delta_polls, delta_options, delta_counts
  from delta;

  if delta_polls is not null then
    perform change_tallies(delta_polls, delta_options, delta_counts);
  end if;
end
$$;
