-- Adds the partitions that are missing until now and for some time ahead: what one of them covers, and a week at
-- least.
-- Takes how many ms a partition is to cover, and the present in ms since 1970. Returns the names of those that it
-- added: none where another process is at the partitions (advisory lock 7461110).
--
-- Locks: as add_partition; it gives up after waiting for 2 s.
create or replace function extend_ledger(width bigint, now_ms bigint) returns setof text
language plpgsql as $$
declare
  covered bigint;
  present constant bigint := now_ms / width * width;
begin
  perform set_config('lock_timeout', '2s', true);
  if not pg_try_advisory_xact_lock(7461110) then
    return;
  end if;
  loop
    select max(to_ms) into covered from ledger_partition;
    exit when covered > now_ms + greatest(width, 7 * 86400000::bigint);
    -- Of a time in which no process was there to add any, one partition takes all.
    return next add_partition(covered, case when covered < present then present else (covered / width + 1) * width end);
  end loop;
end
$$;
