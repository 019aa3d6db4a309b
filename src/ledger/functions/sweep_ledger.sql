-- Removes what the ledger holds beside the partitions from before the horizon, and books it in ledger_archive:
-- duplicate entries, dead votes that came after their partition was dropped, ballots of polls that had closed.
-- Takes the time, in ms since 1970, from which on votes are kept; dead votes that came too late go by when they were
-- recorded. Does nothing where another process is at the partitions (advisory lock 7461110).
--
-- Locks, in the order in which counting has them (record_duplicates): the polls that it marks as decided, the rows that it removes.
create or replace function sweep_ledger(before_ms bigint) returns void
language plpgsql as $$
declare
  horizon constant bigint := ledger_horizon();
begin
  if not pg_try_advisory_xact_lock(7461110) then
    return;
  end if;
  perform lock_polls(array(select slug from poll where ballot <> 'open' and closes_ms < horizon and not decided));
  update poll set decided = true where ballot <> 'open' and closes_ms < horizon and not decided;

  with old as materialized (
    select vote_id from vote_event_other
    where vote_id < vote_id_at(horizon) and recorded_at < to_timestamp(before_ms / 1000.0)
    order by vote_id for update
  ), gone as (
    delete from vote_event_other v using old where v.vote_id = old.vote_id
    returning v.vote_id, v.poll, v.choice, v.status
  ), letters as (
    delete from dead_letter where vote_id in (select vote_id from gone)
  )
  insert into ledger_archive (poll, choice, status, votes)
  select poll, choice, status, count(*) from gone group by poll, choice, status;

  with gone as (delete from duplicate_entry where vote_id < vote_id_at(horizon) returning 1)
  insert into ledger_archive (status, votes) select 'duplicate', count(*) from gone having count(*) > 0;

  delete from ballot b using poll p where p.slug = b.poll and (p.decided or p.ballot = 'open' and p.closes_ms < horizon);
end
$$;
