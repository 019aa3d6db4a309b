-- Changes the tallies of some choices and of the options that they name, and raises the revisions of their polls.
-- Of a poll that is final it says that its result has changed.
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
  update choice_tally t
  set count = t.count + d.votes
  from unnest(polls, choices, counts) as d (poll, choice, votes)
  where t.poll = d.poll and t.choice = d.choice and d.votes < 0;
  insert into choice_tally as t (poll, choice, count)
  select d.poll, d.choice, d.votes from unnest(polls, choices, counts) as d (poll, choice, votes) where d.votes > 0
  on conflict (poll, choice) do update set count = t.count + excluded.count;
  update tally t
  set count = t.count + d.votes
  from unnest(polls, choices, counts) as d (poll, choice, votes)
  where t.poll = d.poll and t.option = d.choice and d.votes <> 0;
end
$$;
