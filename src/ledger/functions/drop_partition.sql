-- Books the votes of a closed partition in ledger_archive and drops it with its dead letters, in one transaction.
-- Takes its name. Returns how many rows it had; null where it is not there to be dropped, or another process is at
-- the partitions (advisory lock 7461110).
--
-- Locks: none while it reads the partition, which takes its time; then vote_event (access exclusive) for a moment. It
-- gives up after waiting for 2 s.
create or replace function drop_partition(which text) returns bigint
language plpgsql as $$
declare
  part ledger_partition;
  dropped bigint;
begin
  perform set_config('lock_timeout', '2s', true);
  if not pg_try_advisory_xact_lock(7461110) then
    return null;
  end if;
  select * into part from ledger_partition where name = which and closed_at is not null and dropped_at is null;
  if not found then
    return null;
  end if;
  execute format(
    'with kept as (select poll, choice, status, count(*) as votes from %I group by poll, choice, status),
    booked as (insert into ledger_archive (poll, choice, status, votes) select * from kept)
    select coalesce(sum(votes), 0) from kept', which
  ) into dropped;

  -- This waits for whoever reads the ledger in one transaction, as an audit does.
  lock table only vote_event in access exclusive mode;
  if part.late <> (select late from ledger_partition where name = which) then
    raise exception 'a vote was buried in % meanwhile', which using errcode = 'serialization_failure';
  end if;
  delete from dead_letter where vote_id >= vote_id_at(part.from_ms) and vote_id < vote_id_at(part.to_ms);
  execute format('drop table %I', which);
  update ledger_partition set dropped_at = clock_timestamp() where name = which;
  return dropped;
end
$$;
