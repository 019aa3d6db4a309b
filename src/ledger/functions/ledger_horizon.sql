-- Returns the horizon, in ms since 1970: the end of the last partition that was closed, or 0 where none was.
--
-- Of votes whose ids are of a time before it, the ledger does not know any more which were counted. So none of them
-- is counted, the rows that are left never change, and what changes about their votes is booked in `displaced` or ledger_archive.
create or replace function ledger_horizon() returns bigint
language sql stable as $$
  select coalesce(max(to_ms), 0) from ledger_partition where closed_at is not null
$$;
