-- Counts a batch of votes, given as arrays of the same length, in one transaction and exactly once each: what the
-- ledger already holds by `vote_id` changes nothing. What a vote is for is a place (from 1) in `polls` and `options`, which
-- are as long as the batch has different ones; without any voter, `voters` may be null. Returns the votes it refused, by
-- their place in the arrays (from 1), with the reason; all others are in the ledger when it returns. With `summary` it also
-- returns rows with a `poll`, a `status` and how many `votes` of the batch came to it.
--
-- Locks are taken in one order whatever the order of the batch, so that two batches can't deadlock: the polls with a
-- ballot rule by slug, the votes by id, the other polls by slug. A poll's tallies change only under the lock on its row.
create function increment_vote(
  vote_ids uuid[], choices int[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[],
  cast_ms bigint[], summary boolean default false
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  oldest constant uuid := vote_id_at(hold_horizon());
  attempts int := 0;
  new_ids uuid[] := vote_ids;
  new_choices int[] := choices;
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
  closes jsonb;
begin
  if exists (select from poll where slug = any (polls) and ballot <> 'open') then
    select b.fresh, b.recorded into held, recorded
    from (
      select array_agg(c.poll order by e.place) as polls, array_agg(c.option order by e.place) as options
      from unnest(choices) with ordinality as e (choice, place)
      left join unnest(polls, options) with ordinality as c (poll, option, choice) on c.choice = e.choice
    ) each, count_ballots(vote_ids, each.polls, each.options, voters, ms, seqs, cast_ms) b;
  end if;

  -- Nearly every batch is new from end to end, and inserting it as if it were takes a third less than asking for each
  -- vote. Where one is in the ledger already, or in the batch twice, the insert fails as a whole, and is done for the rest.
  loop
    begin
      with choice as materialized (
        select c.choice, c.poll, c.option, p.opens_ms, p.closes_ms
        from unnest(polls, options) with ordinality as c (poll, option, choice)
        join poll p on p.slug = c.poll and p.ballot = 'open'
        join tally t on t.poll = c.poll and t.option = c.option
      ), inserted as (
        insert into vote_event (vote_id, poll, option, voter, status, reason, accepted_ms, accepted_seq, cast_at)
        select e.vote_id, c.poll, c.option, e.voter,
          case when e.ms < c.opens_ms or e.ms >= c.closes_ms then 'rejected' else 'counted' end,
          -- As out_of_time says; a call for each vote would take longer.
          case when e.ms < c.opens_ms then 'the poll was not open yet' when e.ms >= c.closes_ms then 'the poll was closed' end,
          e.ms, e.seq, to_timestamp(e.cast_ms::float8 / 1000)
        from unnest(new_ids, new_choices, new_voters, new_ms, new_seqs, new_cast_ms)
          as e (vote_id, choice, voter, ms, seq, cast_ms)
        join choice c on c.choice = e.choice
        where e.vote_id >= oldest
        order by e.vote_id
        returning poll, option, status
      ), delta as (
        select poll, option, count(*) filter (where status = 'counted') as votes, count(*) as entries
        from inserted group by poll, option
      )
      select coalesce(sum(entries), 0), array_agg(poll), array_agg(option), array_agg(votes), array_agg(entries),
        (select jsonb_object_agg(poll, closes_ms) from choice)
      into fresh, delta_polls, delta_options, delta_counts, delta_entries, closes
      from delta;
      exit;
    exception when unique_violation then
      attempts := attempts + 1;
      if attempts = 10 then
        raise exception 'votes of the batch come into the ledger from elsewhere' using errcode = 'serialization_failure';
      end if;
    end;
    select array_agg(e.vote_id), array_agg(e.choice), array_agg(e.voter), array_agg(e.ms), array_agg(e.seq),
      array_agg(e.cast_ms)
    into new_ids, new_choices, new_voters, new_ms, new_seqs, new_cast_ms
    from (
      -- Should the batch hold a vote twice, the lowest entry id is its acceptance.
      select distinct on (e.vote_id) e.*
      from unnest(vote_ids, choices, voters, ms, seqs, cast_ms) as e (vote_id, choice, voter, ms, seq, cast_ms)
      join unnest(polls, options) with ordinality as c (poll, option, choice) on c.choice = e.choice
      join poll p on p.slug = c.poll and p.ballot = 'open'
      join tally t on t.poll = c.poll and t.option = c.option
      -- Looked up one by one: the planner does not see that each is in one partition, and would read all of them.
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.vote_id, e.ms, e.seq
    ) e;
  end loop;

  if fresh > 0 then
    perform change_tallies(delta_polls, delta_options, delta_counts);
    -- A poll may have been closed between the two: its lock, which is held now, decides.
    perform settle_poll(p.slug)
    from poll p
    where p.slug = any (delta_polls) and p.closes_ms is distinct from (closes ->> p.slug)::bigint
    order by p.slug;
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
      from unnest(vote_ids, choices, voters) with ordinality as e (vote_id, choice, voter, place)
      left join unnest(polls, options) with ordinality as c (poll, option, choice) on c.choice = e.choice
      left join poll p on p.slug = c.poll
      left join tally t on t.poll = c.poll and t.option = c.option
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.place;
  end if;
end
$$;

-- As a consumer of an older version says it: with a poll and an option for each vote.
create or replace function increment_vote(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  summary boolean default false
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql as $$
#variable_conflict use_variable
begin
  return query
    select r.place, r.reason, r.poll, r.status, r.votes
    from increment_vote(
      vote_ids, array(select generate_subscripts(vote_ids, 1)), polls, options, voters, ms, seqs, cast_ms, summary
    ) r;
end
$$;
