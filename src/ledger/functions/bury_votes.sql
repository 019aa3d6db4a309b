-- Buries the votes of stream entries that can't be counted: each as a dead row in the ledger, and a dead letter with the
-- entry's fields. A vote that the ledger already holds stays what it is, and the entry is recorded as its duplicate.
-- Takes arrays with an element for each entry: the vote's id (or the entry's, in the form of one, where it has none),
-- what else is known of the vote, the entry's id, why it is dead, and the entry with how often it was delivered. The
-- fields of all entries are in one array, one entry after the other; `field_counts` says how many each has. Returns the
-- places in the arrays, from 1, of those that it buried.
--
-- Locks: vote_event (hold_horizon), the votes by id, what record_duplicates locks, the rows in ledger_partition of the
-- partitions that are closed.
create or replace function bury_votes(
  ids uuid[], polls text[], choices text[], ms bigint[], seqs bigint[], reasons text[], streams text[], entry_ids text[],
  deliveries bigint[], field_counts int[], fields bytea[]
) returns setof bigint
language plpgsql as $$
#variable_conflict use_column
declare
  buried uuid[];
  places bigint[];
begin
  perform hold_horizon();
  with entry as (
    -- Of several entries with one vote, the lowest is its acceptance.
    select distinct on (e.vote_id) e.*
    from unnest(ids, polls, choices, reasons, ms, seqs) with ordinality
      as e (vote_id, poll, choice, reason, ms, seq, place)
    order by e.vote_id, e.ms, e.seq
  ), inserted as (
    insert into vote_event (vote_id, poll, choice, status, reason, accepted_ms, accepted_seq)
    select vote_id, poll, choice, 'dead', reason, ms, seq from entry order by vote_id
    on conflict (vote_id) do nothing
    returning vote_id
  )
  select array_agg(e.vote_id), array_agg(e.place) into buried, places
  from entry e join inserted i on i.vote_id = e.vote_id;
  if coalesce(cardinality(buried), 0) < cardinality(ids) then
    perform record_duplicates(ids, ms, seqs);
  end if;

  perform log_fates('dead', array_agg(vote_ids.id), array_agg(vote_ids.poll))
  from unnest(ids, polls) with ordinality as vote_ids (id, poll, place)
  where vote_ids.place = any (places);

  -- drop_partition may have counted its rows before these, and has to begin anew then.
  with part as (
    select p.name from ledger_partition p
    where p.closed_at is not null and p.dropped_at is null and exists (
      select from unnest(buried) as b (vote_id)
      where vote_id_ms(b.vote_id) >= p.from_ms and vote_id_ms(b.vote_id) < p.to_ms
    )
    order by p.from_ms for update
  )
  update ledger_partition p set late = p.late + 1 from part where p.name = part.name;
  insert into dead_letter (vote_id, stream, entry_id, deliveries, fields)
  select e.vote_id, e.stream, e.entry_id, e.delivered,
    fields[e.last_field - e.field_count + 1 : e.last_field]
  from (
    select e.*, sum(e.field_count) over (order by e.place)::int as last_field
    from unnest(ids, streams, entry_ids, deliveries, field_counts) with ordinality
      as e (vote_id, stream, entry_id, delivered, field_count, place)
  ) e
  where e.place = any (places)
  order by e.vote_id;
  return query select unnest(places);
end
$$;
