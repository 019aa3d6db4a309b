-- Adds a partition for the votes of some time, by their ids, and moves there what the default partition has of them.
-- Takes the time's beginning and end (not included), in ms since 1970. Returns the partition's name.
--
-- Locks: vote_event (share), then vote_event_other (access exclusive); the caller sets a lock_timeout.
create or replace function add_partition(from_ms bigint, to_ms bigint) returns text
language plpgsql as $$
declare
  name constant text := 'vote_event_' || to_char(to_timestamp(from_ms / 1000) at time zone 'utc', 'YYYYMMDD');
begin
  execute format('create table %I (like vote_event including all)', name);
  -- Votes wait for a moment: the default partition would refuse one that was on its way into it.
  lock table only vote_event in share mode;
  lock table vote_event_other in access exclusive mode;
  execute format(
    'with moved as (delete from vote_event_other where vote_id >= %L and vote_id < %L returning *)
    insert into %I select * from moved',
    vote_id_at(from_ms), vote_id_at(to_ms), name
  );
  execute format(
    'alter table vote_event attach partition %I for values from (%L) to (%L)',
    name, vote_id_at(from_ms), vote_id_at(to_ms)
  );
  insert into ledger_partition (name, from_ms, to_ms) values (name, from_ms, to_ms);
  return name;
end
$$;
