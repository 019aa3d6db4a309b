-- Changes the tallies of some options, and raises the revisions of their polls.
-- Takes arrays of one length: a poll may come several times, with an option and by how many votes its tally changes.
--
-- Locks: the polls, by slug; a poll's tallies change only under that lock.
create or replace function change_tallies(polls text[], options text[], counts bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from poll where slug = any (polls) order by slug for update;
  update poll set revision = revision + 1, last_updated = clock_timestamp() where slug = any (polls);
  update tally t
  set count = t.count + d.votes
  from unnest(polls, options, counts) as d (poll, option, votes)
  where t.poll = d.poll and t.option = d.option and d.votes <> 0;
end
$$;
