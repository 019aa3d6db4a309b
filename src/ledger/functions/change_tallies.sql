-- Changes the tallies of some choices and of the options that they name, and raises the revisions of their polls. Of a poll
-- that is final it says that its result has changed.
-- Takes arrays of one length: a poll may come several times, each time with another choice, and by how many votes the
-- tally of that changes.
--
-- Locks: the polls, by slug; a poll's tallies change only under that lock.
create or replace function change_tallies(polls text[], choices text[], counts bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from poll where slug = any (polls) order by slug for update;
  update poll p
  set revision = p.revision + 1, last_updated = clock_timestamp(),
    ballots = p.ballots + (
      select coalesce(sum(d.votes), 0) from unnest(polls, counts) as d (poll, votes) where d.poll = p.slug
    ),
    changed_after_final = case
      when p.final_at is not null
        and exists (select from unnest(polls, counts) as d (poll, votes) where d.poll = p.slug and d.votes <> 0)
      then clock_timestamp() else p.changed_after_final
    end
  where p.slug = any (polls);
  with change as (
    select d.poll, d.choice, d.votes from unnest(polls, choices, counts) as d (poll, choice, votes) where d.votes <> 0
  ), lowered as (
    update choice_tally t set count = t.count + c.votes
    from change c where t.poll = c.poll and t.choice = c.choice and c.votes < 0
  ), raised as (
    insert into choice_tally as t (poll, choice, count) select poll, choice, votes from change where votes > 0
    on conflict (poll, choice) do update set count = t.count + excluded.count
  ), part as materialized (
    select * from option_votes(polls, choices, counts)
  ), scores_lowered as (
    update score_tally t set count = t.count + s.votes
    from part s
    where s.kind = 'score' and s.votes < 0 and t.poll = s.poll and t.option = s.option and t.score = s.value
  ), scores_raised as (
    insert into score_tally as t (poll, option, score, count)
    select poll, option, value, votes from part where kind = 'score' and votes > 0
    on conflict (poll, option, score) do update set count = t.count + excluded.count
  )
  update tally t
  set count = t.count + d.votes, sum = t.sum + d.sum
  from (
    select poll, option, sum(votes) as votes, coalesce(sum(votes * value), 0) as sum from part group by poll, option
  ) d
  where t.poll = d.poll and t.option = d.option;
end
$$;
