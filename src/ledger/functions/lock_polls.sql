-- Locks polls, for whoever decides over their votes or changes their tallies. Takes their slugs, which may be of no poll.
--
-- Locks: the polls that are not `open` by slug, then the others by slug; who counts has the former first (increment_vote).
create or replace function lock_polls(slugs text[]) returns void
language plpgsql as $$
begin
  -- Where another batch with many of the same polls is under way, this one waits for the first of them, and finds all as the other has
  -- left them. In one statement, each would be looked at as it was, and then again.
  if cardinality(slugs) >= 100 then
    perform 1 from poll where slug = any (slugs) order by ballot = 'open', slug limit 1 for update;
  end if;
  perform 1 from poll where slug = any (slugs) order by ballot = 'open', slug for update;
end
$$;
