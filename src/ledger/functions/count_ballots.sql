-- Decides over votes in polls where a voter's first (`once`) or latest (`changeable`) vote counts, by acceptance and whatever
-- order the batches come in, and inserts them. A vote that counted until now and no longer does is marked so. It fails where a
-- vote is in the ledger already, or comes twice.
-- Takes what increment_vote has: arrays with an element for each vote, those of other polls too; arrays with one for each
-- choice, `logs` says whether its poll has a public log; and the lowest identity of a vote that is still counted. The polls are
-- locked.
-- Returns what came new into the ledger, by the numbers of the choices: how many votes in all, and how many of them counted
-- and were superseded; and, for the public logs, the places of the votes that have each status. Of the votes that no longer count,
-- it returns the choices, and how many votes each had.
--
-- Locks: the votes by id, the voters' ballots, the votes that no longer count; all in polls that are locked.
create or replace function count_ballots(
  vote_ids uuid[], numbers int[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  polls text[], choices text[], rules text[], opens bigint[], closes bigint[],
  shuts int8multirange[], oldest uuid, logs boolean[],
  out changed int[], out counted bigint[], out superseded bigint[], out recorded bigint[],
  out counted_at int[], out superseded_at int[], out rejected_at int[],
  out left_polls text[], out left_choices text[], out left_votes bigint[]
)
language plpgsql as $$
#variable_conflict use_column
declare
  -- By choice: 1 where its poll counts a voter's first vote, -1 where it counts the latest, 0 where it is decided; else null.
  signs int[];
  -- By choice: the first one of the same poll.
  firsts bigint[];
  to_reject uuid[];
  to_supersede uuid[];
begin
  select array_agg(case c.rule when 'once' then 1 when 'changeable' then -1 when 'decided' then 0 end order by c.number),
    array_agg(c.first order by c.number)
  into signs, firsts
  from (
    select n.*, min(n.number) over (partition by n.poll) as first
    from unnest(polls, rules) with ordinality as n (poll, rule, number)
  ) c;

  -- What is known of a vote beside its verdict is looked up where it is needed, by its place: no row carries it along.
  with entry as (
    select e.*,
      -- The same as out_of_time, which takes longer when it is called for each vote.
      case
        when ms[e.place] < opens[e.number] then 1
        when ms[e.place] >= closes[e.number] or shuts[e.number] @> ms[e.place] then 2
        else 0
      end as late
    from (
      select generate_subscripts(vote_ids, 1) as place, unnest(numbers) as number, unnest(voters) as voter
    ) e
    where signs[e.number] is not null and e.voter is not null and vote_ids[e.place] >= oldest
  ), ranked as materialized (
    select e.place, e.number, e.voter, e.late,
      e.late = 0 and row_number() over (
        partition by e.voter, firsts[e.number]
        order by e.late <> 0, signs[e.number] * ms[e.place], signs[e.number] * seqs[e.place]
      ) = 1 as best
    from entry e
    where signs[e.number] <> 0 or e.late <> 0
  ), seat as materialized (
    -- A voter has a ballot in one poll only: in another one its hash is another.
    select b.poll, b.voter, b.vote_id, b.choice, b.accepted_ms, b.accepted_seq, b.ctid as at
    from ballot b
    where b.voter = any (array(select voter from ranked where best))
  ), judged as materialized (
    select r.place, r.number, r.late, b.vote_id as former, b.choice as former_choice, b.at,
      r.best and (
        b.vote_id is null
        or (signs[r.number] * ms[r.place], signs[r.number] * seqs[r.place])
          < (signs[r.number] * b.accepted_ms, signs[r.number] * b.accepted_seq)
      ) as wins
    from ranked r left join seat b on r.best and b.voter = r.voter and b.poll = polls[r.number]
  ), inserted as (
    insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select vote_ids[j.place], polls[j.number], choices[j.number], voters[j.place],
      case when j.wins then 'counted' when j.late <> 0 or signs[j.number] = 1 then 'rejected' else 'superseded' end,
      case
        when j.late = 1 then 'the poll was not open yet'
        when j.late = 2 then 'the poll was closed'
        when not j.wins and signs[j.number] = 1 then 'the voter has voted'
      end,
      ms[j.place], seqs[j.place], to_timestamp(cast_ms[j.place]::float8 / 1000)
    from (select place, number, late, wins from judged order by vote_ids[place]) j
  ), seated as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select polls[number], voters[place], vote_ids[place], choices[number], ms[place], seqs[place]
    from judged where wins and former is null
  ), reseated as (
    update ballot b
    set vote_id = vote_ids[j.place], choice = choices[j.number], accepted_ms = ms[j.place], accepted_seq = seqs[j.place]
    from judged j
    where j.wins and b.ctid = j.at
  ), displaced as (
    -- The votes that counted so far and no longer do.
    select number, former as vote_id, former_choice as choice from judged where wins and former is not null
  ), logged as (
    insert into log_queue (kind, polls, vote_ids, numbers)
    select case signs[number] when 1 then 'rejected' else 'superseded' end, polls, array_agg(vote_id), array_agg(number)
    from displaced where true = any (logs) and logs[number] group by 1
  ), booked as (
    -- Their rows, where these are below the horizon, do not change.
    insert into ledger_archive (poll, choice, status, votes)
    select polls[d.number], d.choice, c.status, sum(c.votes)
    from displaced d
    cross join lateral (
      values ('counted', -1), (case signs[d.number] when 1 then 'rejected' else 'superseded' end, 1)
    ) as c (status, votes)
    where d.vote_id < oldest
    group by 1, 2, 3
  ), by_number as (
    select number, count(*) filter (where wins) as counted,
      count(*) filter (where not wins and late = 0 and signs[number] = -1) as superseded, count(*) as votes
    from judged group by number
  ), placed as (
    select array_agg(place) filter (where wins) as counted_at,
      array_agg(place) filter (where not wins and late = 0 and signs[number] = -1) as superseded_at,
      array_agg(place) filter (where not wins and (late <> 0 or signs[number] = 1)) as rejected_at
    from judged where true = any (logs) and logs[number]
  ), by_choice as (
    select polls[firsts[number]] as poll, choice, count(*) as votes from displaced group by firsts[number], choice
  )
  select array_agg(number), array_agg(counted), array_agg(superseded), array_agg(votes),
    (select counted_at from placed), (select superseded_at from placed), (select rejected_at from placed),
    (select array_agg(vote_id order by vote_id) from displaced where signs[number] = 1 and vote_id >= oldest),
    (select array_agg(vote_id order by vote_id) from displaced where signs[number] = -1 and vote_id >= oldest),
    (select array_agg(poll) from by_choice), (select array_agg(choice) from by_choice),
    (select array_agg(votes) from by_choice)
  into changed, counted, superseded, recorded, counted_at, superseded_at, rejected_at, to_reject, to_supersede, left_polls, left_choices, left_votes
  from by_number;

  -- Within bounds, PostgreSQL looks into no other partitions.
  if to_reject is not null then
    update vote_event set status = 'rejected', reason = 'the voter has voted'
    where vote_id = any (to_reject) and vote_id between to_reject[1] and to_reject[cardinality(to_reject)];
  end if;
  if to_supersede is not null then
    update vote_event set status = 'superseded'
    where vote_id = any (to_supersede) and vote_id between to_supersede[1] and to_supersede[cardinality(to_supersede)];
  end if;
end
$$;
