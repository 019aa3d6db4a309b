-- Closes the partitions that hold only votes from before a time, and so raises the horizon (ledger_horizon).
-- Takes the time in ms since 1970. Returns the names of all closed partitions that are still to be dropped, the
-- oldest first.
--
-- Locks: vote_event (share) where there is one to close, which waits for all who hold the horizon (hold_horizon); it
-- gives up after waiting for 2 s.
create or replace function close_partitions(before_ms bigint) returns table (name text)
language plpgsql as $$
begin
  perform set_config('lock_timeout', '2s', true);
  if exists (select from ledger_partition p where p.closed_at is null and p.to_ms <= before_ms) then
    -- This waits for all who write by the horizon as it is.
    lock table only vote_event in share mode;
    update ledger_partition p set closed_at = clock_timestamp() where p.closed_at is null and p.to_ms <= before_ms;
  end if;
  return query
    select p.name from ledger_partition p where p.closed_at is not null and p.dropped_at is null order by p.from_ms;
end
$$;
