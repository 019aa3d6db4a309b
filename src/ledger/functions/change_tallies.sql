-- Changes the tallies of some options, and raises the revisions of their polls. Of a poll that is final it says that its result
-- has changed.
-- Takes arrays of one length: a poll may come several times, with an option and by how many votes its tally changes.
--
-- Locks: the polls, by slug; a poll's tallies change only under that lock.
create or replace function change_tallies(polls text[], options text[], counts bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from poll where slug = any (polls) order by slug for update;
  update poll p
  set revision = p.revision + 1, last_updated = clock_timestamp(),
    changed_after_final = case
      when p.final_at is not null
        and exists (select from unnest(polls, counts) as d (poll, votes) where d.poll = p.slug and d.votes <> 0)
      then clock_timestamp() else p.changed_after_final
    end
  where p.slug = any (polls);
  update tally t
  set count = t.count + d.votes
  from unnest(polls, options, counts) as d (poll, option, votes)
  where t.poll = d.poll and t.option = d.option and d.votes <> 0;
end
$$;
