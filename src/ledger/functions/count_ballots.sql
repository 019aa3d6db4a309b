-- Decides over votes in polls where a voter's first (`once`) or latest (`changeable`) vote counts, by acceptance and whatever
-- order the batches come in, and inserts them. A vote that counted until now and no longer does is marked so. It fails where a
-- vote is in the ledger already, or comes twice.
-- Takes what increment_vote has: arrays with an element for each vote, those of other polls too; arrays with one for each
-- choice; and the lowest identity of a vote that is still counted. The polls are locked.
-- Returns what came new into the ledger, by the numbers of the choices: how many votes in all, and how many of them counted
-- and were superseded. Of the votes that no longer count, it returns the choices, and how many votes each had.
--
-- Locks: the votes by id, the voters' ballots, the votes that no longer count; all in polls that are locked.
create or replace function count_ballots(
  vote_ids uuid[], numbers int[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[],
  polls text[], choices text[], rules text[], opens bigint[], closes bigint[],
  shuts int8multirange[], oldest uuid,
  out changed int[], out counted bigint[], out superseded bigint[], out recorded bigint[],
  out left_polls text[], out left_choices text[], out left_votes bigint[]
)
language plpgsql as $$
#variable_conflict use_column
declare
  to_reject uuid[];
  to_supersede uuid[];
begin
  with entry as (
    select e.*, polls[e.number] as poll, rules[e.number] as rule,
      -- The same as out_of_time, which takes longer when it is called for each vote.
      case
        when e.ms < opens[e.number] then 'the poll was not open yet'
        when e.ms >= closes[e.number] or shuts[e.number] @> e.ms then 'the poll was closed'
      end as late
    from (
      select unnest(vote_ids) as vote_id, unnest(numbers) as number, unnest(voters) as voter, unnest(ms) as ms,
        unnest(seqs) as seq, unnest(cast_ms) as cast_ms
    ) e
    where rules[e.number] not in ('open', 'invalid') and e.voter is not null and e.vote_id >= oldest
  ), ranked as (
    select e.*,
      e.late is null and row_number() over (
        partition by e.voter, e.poll
        order by e.late is not null, case e.rule when 'once' then e.ms else -e.ms end, case e.rule when 'once' then e.seq else -e.seq end
      ) = 1 as best
    from entry e
    where e.rule <> 'decided' or e.late is not null
  ), judged as materialized (
    select v.*, b.vote_id as former, b.choice as former_choice, b.place,
      v.best and (b.vote_id is null or case v.rule
        when 'once' then (v.ms, v.seq) < (b.accepted_ms, b.accepted_seq)
        else (v.ms, v.seq) > (b.accepted_ms, b.accepted_seq)
      end) as wins
    from ranked v
    -- Looked up one by one, and then found by its place: a join may read the ballots of all voters.
    left join lateral (
      select b.*, b.ctid as place from ballot b where v.best and b.poll = v.poll and b.voter = v.voter offset 0
    ) b on true
  ), inserted as (
    insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select vote_id, poll, choices[number], voter,
      case
        when wins then 'counted'
        when late is not null or rule = 'once' then 'rejected'
        else 'superseded'
      end,
      case when late is not null then late when not wins and rule = 'once' then 'the voter has voted' end,
      ms, seq, to_timestamp(cast_ms::float8 / 1000)
    from judged
    order by vote_id
  ), seated as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select poll, voter, vote_id, choices[number], ms, seq from judged where wins and former is null
  ), reseated as (
    update ballot b
    set vote_id = j.vote_id, choice = choices[j.number], accepted_ms = j.ms, accepted_seq = j.seq
    from judged j
    where j.wins and b.ctid = j.place
  ), displaced as (
    -- The votes that counted so far and no longer do.
    select poll, former as vote_id, former_choice as choice, case rule when 'once' then 'rejected' else 'superseded' end as status
    from judged
    where wins and former is not null
  ), logged as (
    insert into log_queue (kind, polls, vote_ids)
    select d.status, array_agg(d.poll), array_agg(d.vote_id)
    from displaced d join poll p on p.slug = d.poll and p.log
    group by d.status
  ), booked as (
    -- Their rows, where these are below the horizon, do not change.
    insert into ledger_archive (poll, choice, status, votes)
    select d.poll, d.choice, c.status, sum(c.votes)
    from displaced d cross join lateral (values ('counted', -1), (d.status, 1)) as c (status, votes)
    where d.vote_id < oldest
    group by d.poll, d.choice, c.status
  ), by_number as (
    select number, count(*) filter (where wins) as counted,
      count(*) filter (where not wins and late is null and rule = 'changeable') as superseded, count(*) as votes
    from judged group by number
  ), by_choice as (
    select poll, choice, count(*) as votes from displaced group by poll, choice
  )
  select array_agg(number), array_agg(counted), array_agg(superseded), array_agg(votes),
    (select array_agg(vote_id) from displaced where status = 'rejected' and vote_id >= oldest),
    (select array_agg(vote_id) from displaced where status = 'superseded' and vote_id >= oldest),
    (select array_agg(poll) from by_choice), (select array_agg(choice) from by_choice),
    (select array_agg(votes) from by_choice)
  into changed, counted, superseded, recorded, to_reject, to_supersede, left_polls, left_choices, left_votes
  from by_number;

  if to_reject is not null then
    update vote_event set status = 'rejected', reason = 'the voter has voted' where vote_id = any (to_reject);
  end if;
  if to_supersede is not null then
    update vote_event set status = 'superseded' where vote_id = any (to_supersede);
  end if;
end
$$;
