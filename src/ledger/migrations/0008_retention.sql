-- Dropping what is older than the ledger is to keep, a partition at a time.

-- Closes the partitions whose votes are all from before a time, in ms since 1970: the horizon is then at their end.
-- Gives the closed ones that are still to be dropped, the oldest first.
create function close_partitions(before_ms bigint) returns table (name text)
language plpgsql as $$
begin
  perform set_config('lock_timeout', '2s', true);
  if exists (select from ledger_partition p where p.closed_at is null and p.to_ms <= before_ms) then
    -- Waits for whoever writes by the former horizon.
    lock table only vote_event in share mode;
    update ledger_partition p set closed_at = clock_timestamp() where p.closed_at is null and p.to_ms <= before_ms;
  end if;
  return query
    select p.name from ledger_partition p where p.closed_at is not null and p.dropped_at is null order by p.from_ms;
end
$$;

-- Books the votes of a closed partition in the archive, and drops it, in one transaction. Gives how many rows it had;
-- null where there is nothing to drop, or another process is at it. Reading it takes its time and no lock that a vote
-- would wait for.
create function drop_partition(which text) returns bigint
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
    'with kept as (select poll, option, status, count(*) as votes from %I group by poll, option, status),
    booked as (insert into ledger_archive (poll, option, status, votes) select * from kept)
    select coalesce(sum(votes), 0) from kept', which
  ) into dropped;

  -- Whoever reads the ledger to the end of a transaction, an audit say, is waited for.
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

-- Removes what the ledger has beside the partitions from below the horizon, and books it: duplicates of votes that are
-- gone, dead votes that came later than `before_ms` and too late, ballots of polls that had closed.
create function sweep_ledger(before_ms bigint) returns void
language plpgsql as $$
declare
  horizon constant bigint := ledger_horizon();
begin
  if not pg_try_advisory_xact_lock(7461110) then
    return;
  end if;
  with gone as (delete from duplicate_entry where vote_id < vote_id_at(horizon) returning 1)
  insert into ledger_archive (status, votes) select 'duplicate', count(*) from gone having count(*) > 0;

  with gone as (
    delete from vote_event_other
    where vote_id < vote_id_at(horizon) and recorded_at < to_timestamp(before_ms / 1000.0)
    returning vote_id, poll, option, status
  ), letters as (
    delete from dead_letter where vote_id in (select vote_id from gone)
  )
  insert into ledger_archive (poll, option, status, votes)
  select poll, option, status, count(*) from gone group by poll, option, status;

  update poll set decided = true where ballot <> 'open' and closes_ms < horizon and not decided;
  delete from ballot b using poll p where p.slug = b.poll and p.decided;
end
$$;
