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
-- (hold_horizon), the votes by id, the polls that are not `open` by slug, their voters' ballots, those of the votes that are not what
-- they were taken to be, the polls that are `open` by slug, their voters' ballots. What was in the ledger already is looked at last, when the
-- polls are locked (record_duplicates).
-- The votes come before their polls, and with what is taken to become of them: while one batch inserts them, another one has the
-- polls.
create or replace function increment_vote(
  vote_ids uuid[], numbers int[], polls text[], choices text[], voters bytea[], ms bigint[], seqs bigint[],
  cast_ms bigint[], summary boolean default false, proofs uuid[] default null
) returns table (place bigint, reason text, poll text, status text, votes bigint)
language plpgsql
-- A plan made for the arrays at hand has copies of them, in which a text is found by counting from the first. One that is kept
-- may be from when a table had a few rows, and would read all of it for each vote later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
-- Where there is nothing but to read a table, that seems to cost so much that it is worth compiling (before PostgreSQL 18).
set jit = off
as $$
#variable_conflict use_column
declare
  -- Votes below it are not counted any more.
  oldest constant uuid := vote_id_at(hold_horizon());
  -- Whether some of the polls have ballots.
  has_ballots boolean;
  -- Whether some of the voters have voted, and whether most of a few have.
  judging boolean := false;
  voted boolean := false;
  -- What the choices say, and which of them are none in their polls, is found out once.
  part_numbers bigint[];
  part_options text[];
  part_values int[];
  valid boolean[] := array_fill(false, array[cardinality(polls)]);
  -- By choice: its poll's ballot rule, or `decided` where nothing can change that poll's result any more, or `invalid` where it is
  -- no choice, or null where there is no such poll; when the poll opens and closes, and when it was closed in between.
  rules text[];
  opens bigint[];
  closes bigint[];
  shuts int8multirange[];
  -- By choice: whether its poll has a public log.
  logs boolean[];
  -- By choice: 1 where its poll counts a voter's first vote, -1 where it counts the latest; else null.
  signs int[];
  -- By choice: the first one of the same poll.
  firsts bigint[];
  -- The same by poll, of those that there are.
  slugs text[];
  poll_rules text[];
  poll_opens bigint[];
  poll_closes bigint[];
  poll_shuts int8multirange[];
  poll_logs boolean[];
  -- The votes to insert: all of them, or those that are left once one was found in the ledger.
  new_ids uuid[] := vote_ids;
  new_numbers int[] := numbers;
  new_voters bytea[] := voters;
  new_ms bigint[] := ms;
  new_seqs bigint[] := seqs;
  new_cast_ms bigint[] := cast_ms;
  new_proofs uuid[] := proofs;
  -- What each of them is (expect_fates); null where it is not inserted.
  fates int[];
  -- Where those are among them that come first for their voter, of the batch's.
  best int[];
  -- Where those are that are not what they were taken to be.
  lost int[];
  won int[];
  attempts int := 0;
  violated text;
  number bigint;
  -- What came new into the ledger: the numbers of the choices, and how many votes counted, were superseded, and came in all.
  changed int[];
  counted bigint[];
  superseded bigint[];
  recorded bigint[];
  -- The choices of votes that no longer count.
  left_polls text[];
  left_choices text[];
  left_votes bigint[];
  fresh bigint;
  -- By how much the tally of each choice changes.
  counts bigint[] := array_fill(null::bigint, array[cardinality(polls)]);
begin
  select array_agg(slug), array_agg(case when decided then 'decided' else ballot end), array_agg(opens_ms), array_agg(closes_ms),
    array_agg(shut), array_agg(log), coalesce(bool_or(ballot <> 'open'), false)
  into slugs, poll_rules, poll_opens, poll_closes, poll_shuts, poll_logs, has_ballots
  from poll where slug = any (polls);

  select array_agg(p.number), array_agg(p.option), array_agg(p.value) into part_numbers, part_options, part_values
  from choice_parts(polls, choices) p;
  foreach number in array coalesce(part_numbers, '{}') loop
    valid[number] := true;
  end loop;
  select array_agg(c.rule), array_agg(c.opens_ms), array_agg(c.closes_ms), array_agg(c.shut), array_agg(c.log),
    array_agg(case c.rule when 'once' then 1 when 'changeable' then -1 end), array_agg(c.first)
  into rules, opens, closes, shuts, logs, signs, firsts
  from (
    select
      case when p.slug is null then null when not valid[c.number] then 'invalid' else p.rule end as rule,
      p.opens_ms, p.closes_ms, p.shut, coalesce(p.log, false) as log, min(c.number) over (partition by c.poll) as first
    from (select generate_subscripts(polls, 1) as number, unnest(polls) as poll) c
    left join unnest(slugs, poll_rules, poll_opens, poll_closes, poll_shuts, poll_logs)
      as p (slug, rule, opens_ms, closes_ms, shut, log) on p.slug = c.poll
    order by c.number
  ) c;

  -- Nearly every batch is new from end to end, and of voters who have not voted: inserting it as if it were takes a third less
  -- time than looking up each vote and each ballot before. Where one is there already, or in the batch twice, the insert fails as
  -- a whole. Then the voters' votes are judged (count_ballots), as they are where one of a few has voted, or all is done again with
  -- the votes that are new.
  if has_ballots then
    select count(*) > 0, 2 * count(*) > least(cardinality(voters), 100) into judging, voted
    from ballot where voter = any (voters[1:100]);
  end if;
  loop
    begin
      select f.fates, f.best into fates, best
      from expect_fates(
        new_ids, new_numbers, new_voters, new_ms, new_seqs, oldest, rules, opens, closes, shuts, signs, firsts, judging, voted
      ) f;
      insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
      select new_ids[e.place], polls[e.number], choices[e.number], new_voters[e.place],
        case when e.fate = 0 then 'counted' when e.fate = 3 and signs[e.number] = -1 then 'superseded' else 'rejected' end,
        case
          when e.fate = 1 then 'the poll was not open yet'
          when e.fate = 2 then 'the poll was closed'
          when e.fate = 3 and signs[e.number] = 1 then 'the voter has voted'
        end,
        new_ms[e.place], new_seqs[e.place], to_timestamp(new_cast_ms[e.place]::float8 / 1000)
      from (
        -- What else is known of a vote is looked up by its place: no row that is sorted carries it along.
        select * from (
          select generate_subscripts(new_ids, 1) as place, unnest(new_numbers) as number, unnest(fates) as fate
        ) f
        where f.fate is not null order by new_ids[f.place]
      ) e;
      exit when not has_ballots;

      -- Until the transaction ends, nobody else decides over the voters of these polls.
      perform lock_polls(
        array(select p.slug from unnest(slugs, poll_rules) as p (slug, rule) where p.rule <> 'open')
      );
      if judging then
        select b.* into lost, won, left_polls, left_choices, left_votes
        from count_ballots(
          best, fates, new_ids, new_numbers, new_voters, new_ms, new_seqs, polls, choices, signs, firsts, logs
        ) b;
        foreach place in array coalesce(lost, '{}') loop
          fates[place] := 3;
        end loop;
        foreach place in array coalesce(won, '{}') loop
          fates[place] := 0;
        end loop;
      else
        insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
        select polls[e.number], e.voter, e.vote_id, choices[e.number], e.ms, e.seq
        from (
          select unnest(new_ids) as vote_id, unnest(new_numbers) as number, unnest(new_voters) as voter, unnest(new_ms) as ms,
            unnest(new_seqs) as seq, unnest(fates) as fate
        ) e
        where e.fate = 0 and signs[e.number] is not null;
      end if;
      exit;
    exception when unique_violation then
      get stacked diagnostics violated = table_name;
      attempts := attempts + 1;
      if attempts = 10 then
        raise exception 'votes of the batch come into the ledger from elsewhere' using errcode = 'serialization_failure';
      end if;
    end;
    if violated = 'ballot' then
      judging := true;
      continue;
    end if;
    select array_agg(e.vote_id), array_agg(e.number), array_agg(e.voter), array_agg(e.ms), array_agg(e.seq),
      array_agg(e.cast_ms), case when proofs is not null then array_agg(e.proof) end
    into new_ids, new_numbers, new_voters, new_ms, new_seqs, new_cast_ms, new_proofs
    from (
      -- Where the batch has a vote twice, the lowest entry id is its acceptance.
      select distinct on (e.vote_id) e.*
      from unnest(vote_ids, numbers, voters, ms, seqs, cast_ms, proofs)
        as e (vote_id, number, voter, ms, seq, cast_ms, proof)
      where (rules[e.number] in ('open', 'invalid') or e.voter is not null)
        and (
          rules[e.number] <> 'invalid'
          or e.ms < opens[e.number] or e.ms >= closes[e.number] or shuts[e.number] @> e.ms
        )
        -- Looked up one by one: in a join, the planner reads every partition, not the one that an id is in.
        and (select true from vote_event v where v.vote_id = e.vote_id) is null
      order by e.vote_id, e.ms, e.seq
    ) e;
  end loop;
  select array_agg(n.number), array_agg(n.counted), array_agg(n.superseded), array_agg(n.votes), coalesce(sum(n.votes), 0)
  into changed, counted, superseded, recorded, fresh
  from (
    select e.number, count(*) filter (where e.fate = 0) as counted,
      count(*) filter (where e.fate = 3 and signs[e.number] = -1) as superseded, count(*) as votes
    from (select unnest(new_numbers) as number, unnest(fates) as fate) e
    where e.fate is not null group by e.number
  ) n;

  if fresh > 0 then
    if true = any (logs) then
      -- Before something else becomes of these votes (settle_poll).
      perform log_batch(fates, signs, logs, new_ids, new_numbers, polls, choices, new_proofs);
    end if;
    for place in 1 .. cardinality(changed) loop
      counts[changed[place]] := counted[place];
    end loop;
    if left_polls is not null then
      select part_numbers || array_agg(p.number + cardinality(polls)), part_options || array_agg(p.option),
        part_values || array_agg(p.value)
      into part_numbers, part_options, part_values
      from choice_parts(left_polls, left_choices) p;
      polls := polls || left_polls;
      choices := choices || left_choices;
      counts := counts || array(select -v from unnest(left_votes) as v);
    end if;
    perform change_tallies(polls, choices, counts, part_numbers, part_options, part_values);
    if voters is not null and 'open' = any (rules) then
      -- Whoever has voted, however often, is found there.
      insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
      select polls[e.number], e.voter, e.vote_id, choices[e.number], e.ms, e.seq
      from unnest(new_ids, new_numbers, new_voters, new_ms, new_seqs, fates) as e (vote_id, number, voter, ms, seq, fate)
      where e.fate = 0 and rules[e.number] = 'open' and e.voter is not null
      on conflict do nothing;
    end if;
    perform settle_moved(slugs, poll_rules, poll_opens, poll_closes, poll_shuts, polls, new_numbers, new_ms);
  end if;

  if summary then
    return query
      select null::bigint, null::text, r.poll, s.status, s.votes
      from (
        select polls[n.number] as poll, sum(n.counted::int) as counted, sum(n.superseded::int) as superseded,
          sum(n.votes::int) as votes
        from (
          select unnest(changed) as number, unnest(counted) as counted, unnest(superseded) as superseded, unnest(recorded) as votes
        ) n
        group by polls[n.number]
      ) r
      cross join lateral (
        values ('counted', r.counted), ('superseded', r.superseded), ('rejected', r.votes - r.counted - r.superseded)
      ) as s (status, votes)
      where s.votes > 0;
  end if;

  -- Only a batch that has more in it than new votes pays for finding out what that is.
  if fresh < cardinality(vote_ids) then
    perform record_duplicates(vote_ids, ms, seqs);
    return query
      select r.place, r.reason, null::text, null::text, null::bigint
      from refused_votes(vote_ids, numbers, voters, polls, valid) r;
  end if;
end
$$;
