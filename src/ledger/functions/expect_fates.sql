-- Says what votes are taken to be, before the ballots are asked: 0 counted, 1 too early, 2 too late, 3 of a voter for whom another
-- one counts; null is a vote that is not counted at all. With `judging`, a voter may have several votes, or have voted before: then
-- `best` has the places of those that come first for their voter among these, and where `voted` says that most voters have voted,
-- a vote in a poll that counts the first is taken not to be it.
-- Takes arrays as increment_vote has them: with an element for each vote, and with one for each choice.
create or replace function expect_fates(
  vote_ids uuid[], numbers int[], voters bytea[], ms bigint[], seqs bigint[], oldest uuid,
  rules text[], opens bigint[], closes bigint[], shuts int8multirange[], signs int[], firsts bigint[],
  judging boolean, voted boolean, out fates int[], out best int[]
)
language plpgsql as $$
#variable_conflict use_column
declare
  place int;
  -- Where those are that another one comes before.
  beaten int[];
begin
  select array_agg(
    case
      when e.vote_id < oldest or rules[e.number] is null then null
      when e.voter is null and rules[e.number] not in ('open', 'invalid') then null
      -- The same as out_of_time, which takes longer when it is called for each vote.
      when e.ms < opens[e.number] then 1
      when e.ms >= closes[e.number] or shuts[e.number] @> e.ms then 2
      -- What was no choice when it was too late may have been one when it was made.
      when rules[e.number] in ('decided', 'invalid') then null
      else 0
    end
  )
  into fates
  from (select unnest(vote_ids) as vote_id, unnest(numbers) as number, unnest(voters) as voter, unnest(ms) as ms) e;
  if not judging then
    return;
  end if;
  select array_agg(r.place) filter (where r.best), array_agg(r.place) filter (where not r.best or voted and r.sign = 1)
  into best, beaten
  from (
    select e.place, signs[e.number] as sign,
      row_number() over (
        partition by e.voter, firsts[e.number] order by signs[e.number] * ms[e.place], signs[e.number] * seqs[e.place]
      ) = 1 as best
    from (select generate_subscripts(vote_ids, 1) as place, unnest(numbers) as number, unnest(voters) as voter) e
    where fates[e.place] = 0 and signs[e.number] is not null
  ) r;
  foreach place in array coalesce(beaten, '{}') loop
    fates[place] := 3;
  end loop;
end
$$;
