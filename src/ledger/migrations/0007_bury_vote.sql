-- Records the entries whose vote the ledger holds under another entry. A vote's acceptance is the lowest of its
-- entries' ids, so an earlier one takes the ledger row's place and the later becomes the duplicate; below the horizon a
-- row stays what it is, and each other entry is a duplicate.
create or replace function record_duplicates(vote_ids uuid[], ms bigint[], seqs bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  oldest constant uuid := vote_id_at(hold_horizon());
  moved record;
  moved_polls text[];
begin
  for moved in
    with entry as (
      select distinct e.vote_id, e.ms, e.seq from unnest(vote_ids, ms, seqs) as e (vote_id, ms, seq)
    ), known as (
      -- Looked up one by one, and locked in order.
      select v.*
      from (select distinct vote_id from entry order by vote_id) e
      cross join lateral (
        select v.vote_id, v.poll, v.accepted_ms, v.accepted_seq from vote_event v where v.vote_id = e.vote_id for update
      ) v
    ), every as (
      select vote_id, ms, seq from entry where vote_id in (select vote_id from known)
      union
      select vote_id, accepted_ms, accepted_seq from known
    ), first as (
      select distinct on (e.vote_id) e.*, k.poll, k.accepted_ms, k.accepted_seq
      from every e join known k on k.vote_id = e.vote_id
      where e.vote_id >= oldest or (e.ms, e.seq) = (k.accepted_ms, k.accepted_seq)
      order by e.vote_id, e.ms, e.seq
    ), noted as (
      insert into duplicate_entry (vote_id, accepted_ms, accepted_seq)
      select e.vote_id, e.ms, e.seq
      from every e
      join first f on f.vote_id = e.vote_id
      where (e.ms, e.seq) <> (f.ms, f.seq)
      order by e.vote_id, e.ms, e.seq
      on conflict do nothing
    )
    select vote_id, ms, seq, poll from first where (ms, seq) <> (accepted_ms, accepted_seq)
  loop
    update vote_event set accepted_ms = moved.ms, accepted_seq = moved.seq where vote_id = moved.vote_id;
    moved_polls := moved_polls || moved.poll;
  end loop;

  -- An earlier acceptance can decide otherwise about a voter, or about a vote at the closing time.
  perform settle_poll(slug)
  from (
    select slug from poll
    where slug = any (moved_polls) and (ballot <> 'open' or opens_ms is not null or closes_ms is not null)
    order by slug
  ) p;
end
$$;

-- Buries one entry that can't be counted. A vote that the ledger already holds stays what it is, and the entry is
-- recorded as its duplicate. Returns whether it was buried.
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
  -- Whoever is counting what is to be dropped has to begin anew.
  update ledger_partition set late = late + 1
  where closed_at is not null and dropped_at is null and from_ms <= id_ms and id_ms < to_ms;
  insert into dead_letter (vote_id, stream, entry_id, deliveries, fields)
  values (id, stream, entry_id, deliveries, fields);
  return true;
end
$$;
