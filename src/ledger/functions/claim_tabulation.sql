-- Finds a ranked poll whose tabulation is not of its present revision and may be made anew, and has nobody else make it.
-- Takes a name for whoever makes it, and for how many seconds that holds. Returns the poll; null where there is none.
-- Of several that find the same poll, one gets it. Where the last one was made in the future, the clock was set back since, and nobody
-- waits until it is there again.
create or replace function claim_tabulation(claimant uuid, seconds float8) returns text
language plpgsql as $$
declare
  present constant timestamptz := clock_timestamp();
  claimed text;
begin
  insert into tabulation as t (poll, holder, held_until)
  select p.slug, claimant, present + make_interval(secs => seconds)
  from poll p
  left join tabulation k on k.poll = p.slug
  where p.kind = 'ranked' and p.revision > coalesce(k.revision, 0)
    and (
      k.poll is null
      or k.held_until <= present and (k.due_at <= present or k.made_at > present or p.final_at is not null)
    )
  -- Those that are final first, then the one that waits the longest.
  order by p.final_at is null, coalesce(k.due_at, p.created_at), p.slug
  limit 1
  -- Another one may have claimed it, or made it, since then.
  on conflict (poll) do update set holder = excluded.holder, held_until = excluded.held_until
  where t.held_until <= present
    and exists (
      select from poll p
      where p.slug = t.poll and p.revision > t.revision
        and (t.due_at <= present or t.made_at > present or p.final_at is not null)
    )
  returning t.poll into claimed;
  return claimed;
end
$$;
