-- Changes how many ballots give an option each score, in polls of the kind `score`.
-- Takes arrays as change_tallies does: with an element for each choice, and for each part of one.
--
-- Locks: none; the polls are locked already.
create or replace function change_scores(
  polls text[], counts bigint[], part_numbers bigint[], part_options text[], part_values int[]
) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  with score as materialized (
    select s.*
    from (
      select polls[p.number] as poll, p.option, p.value, sum(counts[p.number])::bigint as votes
      from (select unnest(part_numbers) as number, unnest(part_options) as option, unnest(part_values) as value) p
      where p.value is not null and counts[p.number] <> 0
      group by 1, 2, 3
    ) s
    join poll p on p.slug = s.poll and p.kind = 'score'
  ), lowered as (
    update score_tally t set count = t.count + s.votes
    from score s where s.votes < 0 and t.poll = s.poll and t.option = s.option and t.score = s.value
  )
  insert into score_tally as t (poll, option, score, count) select poll, option, value, votes from score where votes > 0
  on conflict (poll, option, score) do update set count = t.count + excluded.count;
end
$$;
