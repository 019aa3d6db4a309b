-- Decides over votes that may be the one that counts for their voter, in polls where a voter's first (`once`) or latest
-- (`changeable`) vote does, by acceptance and whatever order the batches come in. The votes are in the ledger by now, as what they
-- were taken to be, and the polls are locked. What is not what it was taken to be is mended. The row of a vote that counted until
-- now and no longer does stays as it is: the ballot says so (the view `vote`), and `displaced` has how many these are.
-- Takes the places of the votes, at most one of each voter in a poll, and what increment_vote has: arrays with an element for each
-- vote, and arrays with one for each choice.
-- Returns the places of votes that were taken to count and do not, and of those that do against it; null where there are none. Of
-- the votes that no longer count, it returns the choices, and how many votes each had.
--
-- Locks: the voters' ballots, the votes that are not what they were; all in polls that are locked.
create or replace function count_ballots(
  best int[], fates int[],
  vote_ids uuid[], numbers int[], voters bytea[], ms bigint[], seqs bigint[],
  polls text[], choices text[], signs int[], firsts bigint[], logs boolean[],
  out lost int[], out won int[], out left_polls text[], out left_choices text[], out left_votes bigint[]
)
language plpgsql as $$
#variable_conflict use_column
declare
  to_reject uuid[];
  to_supersede uuid[];
  to_count uuid[];
begin
  with candidate as materialized (
    select c.place, numbers[c.place] as number, voters[c.place] as voter, fates[c.place] = 0 as leads
    from (select unnest(best) as place) c
  ), seat as materialized (
    -- A voter has a ballot in one poll only: in another one its hash is another.
    select b.poll, b.voter, b.vote_id, b.choice, b.accepted_ms, b.accepted_seq, b.ctid as at
    from ballot b
    where b.voter = any (array(select voter from candidate))
  ), judged as materialized (
    select c.place, c.number, c.leads, b.vote_id as former, b.choice as former_choice, b.at,
      b.vote_id is null
        or (signs[c.number] * ms[c.place], signs[c.number] * seqs[c.place])
          < (signs[c.number] * b.accepted_ms, signs[c.number] * b.accepted_seq) as wins
    from candidate c left join seat b on b.voter = c.voter and b.poll = polls[c.number]
  ), seated as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select polls[number], voters[place], vote_ids[place], choices[number], ms[place], seqs[place]
    from judged where wins and former is null
  ), reseated as (
    update ballot b
    set vote_id = vote_ids[j.place], choice = choices[j.number], accepted_ms = ms[j.place], accepted_seq = seqs[j.place]
    from judged j
    where j.wins and b.ctid = j.at
  ), beaten as (
    -- The votes that counted so far and no longer do.
    select number, former as vote_id, former_choice as choice from judged where wins and former is not null
  ), logged as (
    insert into log_queue (kind, polls, vote_ids, numbers)
    select case signs[number] when 1 then 'rejected' else 'superseded' end, polls, array_agg(vote_id), array_agg(number)
    from beaten where true = any (logs) and logs[number] group by 1
  ), by_choice as (
    select polls[firsts[number]] as poll, choice, count(*) as votes from beaten group by firsts[number], choice
  ), told as (
    insert into displaced as d (poll, choice, votes) select poll, choice, votes from by_choice
    on conflict (poll, choice) do update set votes = d.votes + excluded.votes
  )
  select array_agg(place) filter (where leads and not wins), array_agg(place) filter (where wins and not leads),
    array_agg(vote_ids[place] order by vote_ids[place]) filter (where wins and not leads),
    array_agg(vote_ids[place] order by vote_ids[place]) filter (where leads and not wins and signs[number] = 1),
    array_agg(vote_ids[place] order by vote_ids[place]) filter (where leads and not wins and signs[number] = -1),
    (select array_agg(poll) from by_choice), (select array_agg(choice) from by_choice),
    (select array_agg(votes) from by_choice)
  into lost, won, to_count, to_reject, to_supersede, left_polls, left_choices, left_votes
  from judged;

  -- Within bounds, PostgreSQL looks into no other partitions.
  if to_reject is not null then
    update vote_event set status = 'rejected', reason = 'the voter has voted'
    where vote_id = any (to_reject) and vote_id between to_reject[1] and to_reject[cardinality(to_reject)];
  end if;
  if to_supersede is not null then
    update vote_event set status = 'superseded'
    where vote_id = any (to_supersede) and vote_id between to_supersede[1] and to_supersede[cardinality(to_supersede)];
  end if;
  if to_count is not null then
    update vote_event set status = 'counted', reason = null
    where vote_id = any (to_count) and vote_id between to_count[1] and to_count[cardinality(to_count)];
  end if;
end
$$;
