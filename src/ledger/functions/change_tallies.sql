-- Changes the tallies of some choices and of the options that they name, and raises the revisions of their polls. Of a poll
-- that is final it says that its result has changed.
-- Takes arrays of one length: a poll, which may come several times, a choice there, and by how many votes its tally changes;
-- where that is null, nothing changes, not even the poll's revision. What choice_parts says of these choices is given too, or
-- found out.
--
-- Locks: the polls (lock_polls); a poll's tallies change only under that lock.
create or replace function change_tallies(
  polls text[], choices text[], counts bigint[],
  part_numbers bigint[] default null, part_options text[] default null, part_values int[] default null
) returns void
language plpgsql
-- As in increment_vote.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  -- Whether the tallies of the choices are there.
  added boolean := false;
begin
  if part_numbers is null then
    select array_agg(p.number), array_agg(p.option), array_agg(p.value) into part_numbers, part_options, part_values
    from choice_parts(polls, choices) p;
  end if;
  perform lock_polls(polls);
  update poll p
  set revision = p.revision + 1, last_updated = clock_timestamp(), ballots = p.ballots + d.votes,
    changed_after_final = case when p.final_at is not null and d.changed then clock_timestamp() else p.changed_after_final end
  from (
    select poll, sum(votes)::bigint as votes, bool_or(votes <> 0) as changed
    from (select unnest(polls) as poll, unnest(counts) as votes) c where votes is not null group by poll
  ) d
  where p.slug = d.poll;
  -- Many different choices may be rankings that nobody has made before, as the first of them are: inserting all as such takes half
  -- the time of looking up each, and their order spares the index a tenth. Where a choice has a tally already, or comes twice, the
  -- insert fails as a whole.
  if cardinality(choices) >= 100 and 0 <= all (counts) is not false and not exists (
    select from unnest(polls[1:10], choices[1:10]) as c (poll, choice)
    where (select true from choice_tally t where t.poll = c.poll and t.choice = c.choice)
  ) then
    begin
      insert into choice_tally (poll, choice, count)
      select c.*
      from (select unnest(polls) as poll, unnest(choices) as choice, unnest(counts) as votes) c
      where votes <> 0 order by choice;
      added := true;
    exception when unique_violation then
      null;
    end;
  end if;
  if not added then
    with change as materialized (
      select c.*, t.place
      from (
        select poll, choice, sum(votes)::bigint as votes
        from (select unnest(polls) as poll, unnest(choices) as choice, unnest(counts) as votes) c
        where votes <> 0 group by poll, choice
      ) c
      -- Looked up one by one, and then found by its place: a join may read the tallies of all choices.
      left join lateral (
        select t.ctid as place from choice_tally t where t.poll = c.poll and t.choice = c.choice offset 0
      ) t on true
    ), changed as (
      update choice_tally t set count = t.count + c.votes from change c where t.ctid = c.place
    )
    insert into choice_tally (poll, choice, count) select poll, choice, votes from change where place is null;
  end if;
  update tally t
  set count = t.count + d.votes, sum = t.sum + d.sum
  from (
    select polls[p.number] as poll, p.option, sum(counts[p.number])::bigint as votes,
      coalesce(sum(counts[p.number] * p.value)::bigint, 0) as sum
    from (select unnest(part_numbers) as number, unnest(part_options) as option, unnest(part_values) as value) p
    where p.option is not null and counts[p.number] <> 0
    group by 1, 2
  ) d
  where t.poll = d.poll and t.option = d.option;
  if cardinality(array_remove(part_values, null)) > 0 then
    perform change_scores(polls, counts, part_numbers, part_options, part_values);
  end if;
end
$$;
