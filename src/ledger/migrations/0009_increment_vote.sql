-- Counts a batch of votes, given as arrays of the same length, in one transaction and exactly once each: what the
-- ledger already holds by `vote_id` changes nothing. Returns the votes it refused, by their place in the arrays (from 1),
-- with the reason; all others are in the ledger when it returns. With `summary` it also returns rows with a `poll`, a
-- `status` and how many `votes` of the batch came to it.
--
-- Locks are taken in one order whatever the order of the batch, so that two batches can't deadlock: the polls with a
-- ballot rule by slug, the votes by id, the other polls by slug. A poll's tallies change only under the lock on its row.
create or replace function increment_vote(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  summary boolean default false
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  oldest constant uuid := vote_id_at(hold_horizon());
  attempts int := 0;
  new_ids uuid[] := vote_ids;
  new_polls text[] := polls;
  new_options text[] := options;
  new_voters bytea[] := voters;
  new_ms bigint[] := ms;
  new_seqs bigint[] := seqs;
  new_cast_ms bigint[] := cast_ms;
  fresh bigint;
  held bigint := 0;
  recorded jsonb := '[]';
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
  delta_entries bigint[];
  delta_closes bigint[];
begin
  if exists (select from poll where slug = any (polls) and ballot <> 'open') then
    select b.fresh, b.recorded into held, recorded
    from count_ballots(vote_ids, polls, options, voters, ms, seqs, cast_ms) b;
  end if;

  -- Nearly every batch is new from end to end, and inserting it as if it were takes a third less than asking for each
  -- vote. Where one is in the ledger already, or in the batch twice, the insert fails as a whole, and is done for the rest.
  loop
    begin
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
        from unnest(new_ids, new_polls, new_options, new_voters, new_ms, new_seqs, new_cast_ms)
          as e (vote_id, poll, option, voter, ms, seq, cast_ms)
        join choice c on c.poll = e.poll and c.option = e.option
        where e.vote_id >= oldest
        order by e.vote_id
        returning poll, option, status
      ), delta as (
        select poll, option, count(*) filter (where status = 'counted') as votes, count(*) as entries,
          (select c.closes_ms from choice c where c.poll = i.poll limit 1) as closes
        from inserted i group by poll, option
      )
      select coalesce(sum(entries), 0), array_agg(poll), array_agg(option), array_agg(votes), array_agg(entries),
        array_agg(closes)
      into fresh, delta_polls, delta_options, delta_counts, delta_entries, delta_closes
      from delta;
      exit;
    exception when unique_violation then
      attempts := attempts + 1;
      if attempts = 10 then
        raise exception 'votes of the batch come into the ledger from elsewhere' using errcode = 'serialization_failure';
      end if;
    end;
    select array_agg(e.vote_id), array_agg(e.poll), array_agg(e.option), array_agg(e.voter), array_agg(e.ms),
      array_agg(e.seq), array_agg(e.cast_ms)
    into new_ids, new_polls, new_options, new_voters, new_ms, new_seqs, new_cast_ms
    from (
      -- Should the batch hold a vote twice, the lowest entry id is its acceptance.
      select distinct on (e.vote_id) e.*
      from unnest(vote_ids, polls, options, voters, ms, seqs, cast_ms)
        as e (vote_id, poll, option, voter, ms, seq, cast_ms)
      join poll p on p.slug = e.poll and p.ballot = 'open'
      join tally t on t.poll = e.poll and t.option = e.option
      -- Looked up one by one: the planner does not see that each is in one partition, and would read all of them.
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.vote_id, e.ms, e.seq
    ) e;
  end loop;

  if fresh > 0 then
    perform change_tallies(delta_polls, delta_options, delta_counts);
    -- A poll may have been closed between the two: its lock, which is held now, decides.
    perform settle_poll(d.poll)
    from (select distinct * from unnest(delta_polls, delta_closes) as d (poll, closes)) d
    join poll p on p.slug = d.poll and p.closes_ms is distinct from d.closes
    order by d.poll;
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
        when p.ballot <> 'open' and e.voter is null then 'the poll needs a voter'
        else 'from before what the ledger keeps'
      end, null::text, null::text, null::bigint
      from unnest(vote_ids, polls, options, voters) with ordinality as e (vote_id, poll, option, voter, place)
      left join poll p on p.slug = e.poll
      left join tally t on t.poll = e.poll and t.option = e.option
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.place;
  end if;
end
$$;
