-- Returns the horizon, in ms since 1970, and keeps it where it is until the transaction ends. Whoever writes to the
-- ledger calls this first.
--
-- Locks: vote_event (row exclusive), which close_partitions waits for before it raises the horizon.
create or replace function hold_horizon() returns bigint
language plpgsql as $$
begin
  lock table only vote_event in row exclusive mode;
  return ledger_horizon();
end
$$;
