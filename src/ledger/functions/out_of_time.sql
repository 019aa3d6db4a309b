-- Takes a poll and when a vote was accepted, in ms since 1970; returns why the vote does not count then, or null
-- where it does.
create or replace function out_of_time(p poll, ms bigint) returns text
language sql immutable as $$
  select case
    when ms < p.opens_ms then 'the poll was not open yet'
    when ms >= p.closes_ms or p.shut @> ms then 'the poll was closed'
  end
$$;
