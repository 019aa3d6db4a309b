-- Counts a batch of votes, each exactly once: a vote that the ledger already holds, by its `vote_id`, changes
-- nothing.
-- Takes arrays with an element for each vote, but for `polls` and `choices`: these list the different choices that
-- the batch has votes for, and `numbers` says which of them each vote is for, from 1. `voters` may be null where no
-- vote has one. `ms` and `seqs` are the ids of the votes' stream entries, `cast_ms` when an API took them, in ms
-- since 1970. `proofs` holds `n` of the votes with an idempotency key, zeros for the others (log_queue); it may be null.
-- Returns a row for each vote that it refused, with its place in the arrays (from 1) and the reason; all others are
-- in the ledger when it returns. With `summary`, it also returns how many `votes` came new into the ledger by `poll`
-- and `status`.
--
-- Locks are taken in one order, whatever the order of the votes, so that two batches can't deadlock: vote_event
-- (hold_horizon), the polls that are not `open` by slug, the votes by id, the other polls by slug. What was in the
-- ledger already is looked at last (record_duplicates).
create or replace function increment_vote(
  vote_ids uuid[], numbers int[], polls text[], choices text[], voters bytea[], ms bigint[], seqs bigint[],
  cast_ms bigint[], summary boolean default false, proofs uuid[] default null
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  -- Votes below it are not counted any more.
  oldest constant uuid := vote_id_at(hold_horizon());
  -- The votes to insert: all of them, or those that are left once one was found in the ledger.
  new_ids uuid[] := vote_ids;
  new_numbers int[] := numbers;
  new_voters bytea[] := voters;
  new_ms bigint[] := ms;
  new_seqs bigint[] := seqs;
  new_cast_ms bigint[] := cast_ms;
  attempts int := 0;
  -- How many votes came new into the ledger: in `open` polls, and in the others.
  fresh bigint;
  fresh_ballots bigint := 0;
  recorded jsonb := '[]';
  delta_polls text[];
  delta_choices text[];
  delta_counts bigint[];
  delta_entries bigint[];
  closes jsonb;
  -- Which of the choices are none in their polls is found out once.
  valid constant boolean[] := valid_choices(polls, choices);
begin
  if exists (select from poll where slug = any (polls) and ballot <> 'open') then
    select b.fresh, b.recorded into fresh_ballots, recorded
    from (
      select array_agg(c.poll order by e.place) as polls, array_agg(c.choice order by e.place) as choices
      from unnest(numbers) with ordinality as e (number, place)
      left join unnest(polls, choices, valid) with ordinality as c (poll, choice, valid, number)
        on c.number = e.number and c.valid
    ) each, count_ballots(vote_ids, each.polls, each.choices, voters, ms, seqs, cast_ms) b;
  end if;

  -- Nearly every batch is new from end to end, and inserting it as if it were takes a third less time than looking up
  -- each vote before. Where one is in the ledger already, or in the batch twice, the insert fails as a whole, and is
  -- done again with the votes that are new.
  loop
    begin
      with listed as materialized (
        select c.number, c.poll, c.choice, p.opens_ms, p.closes_ms
        from unnest(polls, choices, valid) with ordinality as c (poll, choice, valid, number)
        join poll p on p.slug = c.poll and p.ballot = 'open'
        where c.valid
      ), inserted as (
        insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
        select e.vote_id, c.poll, c.choice, e.voter,
          case when e.ms < c.opens_ms or e.ms >= c.closes_ms then 'rejected' else 'counted' end,
          -- The same as out_of_time, which takes longer when it is called for each vote.
          case when e.ms < c.opens_ms then 'the poll was not open yet' when e.ms >= c.closes_ms then 'the poll was closed' end,
          e.ms, e.seq, to_timestamp(e.cast_ms::float8 / 1000)
        from unnest(new_ids, new_numbers, new_voters, new_ms, new_seqs, new_cast_ms)
          as e (vote_id, number, voter, ms, seq, cast_ms)
        join listed c on c.number = e.number
        where e.vote_id >= oldest
        order by e.vote_id
        returning poll, choice, status
      ), delta as (
        select poll, choice, count(*) filter (where status = 'counted') as votes, count(*) as entries
        from inserted group by poll, choice
      )
      select coalesce(sum(entries), 0), array_agg(poll), array_agg(choice), array_agg(votes), array_agg(entries),
        (select jsonb_object_agg(poll, closes_ms) from listed)
      into fresh, delta_polls, delta_choices, delta_counts, delta_entries, closes
      from delta;
      exit;
    exception when unique_violation then
      attempts := attempts + 1;
      if attempts = 10 then
        raise exception 'votes of the batch come into the ledger from elsewhere' using errcode = 'serialization_failure';
      end if;
    end;
    select array_agg(e.vote_id), array_agg(e.number), array_agg(e.voter), array_agg(e.ms), array_agg(e.seq),
      array_agg(e.cast_ms)
    into new_ids, new_numbers, new_voters, new_ms, new_seqs, new_cast_ms
    from (
      -- Where the batch has a vote twice, the lowest entry id is its acceptance.
      select distinct on (e.vote_id) e.*
      from unnest(vote_ids, numbers, voters, ms, seqs, cast_ms) as e (vote_id, number, voter, ms, seq, cast_ms)
      join unnest(polls, choices, valid) with ordinality as c (poll, choice, valid, number) on c.number = e.number and c.valid
      join poll p on p.slug = c.poll and p.ballot = 'open'
      -- Looked up one by one: in a join, the planner reads every partition, not the one that an id is in.
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.vote_id, e.ms, e.seq
    ) e;
  end loop;

  if fresh + fresh_ballots > 0 then
    -- Before something else becomes of these votes (settle_poll).
    perform log_votes(vote_ids, numbers, polls, choices, ms, proofs, cardinality(vote_ids) = (
      select sum(c.votes) from (
        select unnest(delta_counts)
        union all
        select r.votes from jsonb_to_recordset(recorded) as r (status text, votes bigint) where r.status = 'counted'
      ) c (votes)
    ));
  end if;
  if fresh > 0 then
    perform change_tallies(delta_polls, delta_choices, delta_counts);
    -- A poll may have been closed after its closing time was read above. It can't be any more: it is locked now.
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

  -- Only a batch that has more in it than new votes pays for finding out what that is.
  if fresh + fresh_ballots < cardinality(vote_ids) then
    perform record_duplicates(vote_ids, ms, seqs);
    return query
      select e.place, case
        when p.slug is null then 'unknown poll'
        when not c.valid then case p.kind when 'single' then 'unknown option' else 'not a choice of the poll' end
        when p.ballot <> 'open' and e.voter is null then 'the poll needs a voter'
        else 'from before what the ledger keeps'
      end, null::text, null::text, null::bigint
      from unnest(vote_ids, numbers, voters) with ordinality as e (vote_id, number, voter, place)
      left join unnest(polls, choices, valid) with ordinality as c (poll, choice, valid, number) on c.number = e.number
      left join poll p on p.slug = c.poll
      where (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.place;
  end if;
end
$$;
