-- Buries the vote of a stream entry that can't be counted: as a dead row in the ledger, and a dead letter with the
-- entry's fields. A vote that the ledger already holds stays what it is, and the entry is recorded as its duplicate.
-- Takes the vote's id (or the entry's, in the form of one, where it has none), what else is known of the vote, the
-- entry's id, why it is dead, and the entry with how often it was delivered. Returns whether it was buried.
--
-- Locks: vote_event (hold_horizon), the vote, its partition's row in ledger_partition where that is closed.
create or replace function bury_vote(
  id uuid, poll text, option text, ms bigint, seq bigint, reason text,
  stream text, entry_id text, deliveries bigint, fields bytea[]
) returns boolean
language plpgsql as $$
#variable_conflict use_variable
declare
  id_ms constant bigint := vote_id_ms(id);
begin
  perform hold_horizon();
  insert into vote_event (vote_id, poll, option, status, reason, accepted_ms, accepted_seq)
  values (id, poll, option, 'dead', reason, ms, seq)
  on conflict (vote_id) do nothing;
  if not found then
    perform record_duplicates(array[id], array[ms], array[seq]);
    return false;
  end if;
  -- drop_partition may have counted its rows before this one, and has to begin anew then.
  update ledger_partition set late = late + 1
  where closed_at is not null and dropped_at is null and from_ms <= id_ms and id_ms < to_ms;
  insert into dead_letter (vote_id, stream, entry_id, deliveries, fields)
  values (id, stream, entry_id, deliveries, fields);
  return true;
end
$$;
