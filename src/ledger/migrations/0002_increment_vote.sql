-- Counts a batch of votes, given as arrays of the same length, in one transaction and exactly once each:
-- what the ledger already holds by `vote_id` changes nothing. Returns the votes it refused, by their place
-- in the arrays (from 1), with the reason; all others are in the ledger when it returns.
--
-- Rows are written in one order whatever the order of the batch (votes by id, polls by slug), and a poll's
-- tallies only under the lock on its row, so that two batches can't deadlock.
create function increment_vote(
  vote_ids uuid[], polls text[], options text[], ms bigint[], seqs bigint[], cast_ms bigint[]
) returns table (place bigint, reason text)
language plpgsql as $$
#variable_conflict use_column
declare
  fresh bigint;
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
begin
  with entry as (
    -- The lowest entry id is a vote's acceptance, should the batch hold it twice.
    select distinct on (e.vote_id) e.*
    from unnest(vote_ids, polls, options, ms, seqs, cast_ms) as e (vote_id, poll, option, ms, seq, cast_ms)
    join tally t on t.poll = e.poll and t.option = e.option
    order by e.vote_id, e.ms, e.seq
  ), inserted as (
    insert into vote_event (vote_id, poll, option, status, accepted_ms, accepted_seq, cast_at)
    select vote_id, poll, option, 'counted', ms, seq, to_timestamp(cast_ms / 1000.0)
    from entry
    on conflict (vote_id) do nothing
    returning poll, option
  ), delta as (
    select poll, option, count(*) as votes from inserted group by poll, option
  )
  select coalesce(sum(votes), 0), array_agg(poll), array_agg(option), array_agg(votes)
  into fresh, delta_polls, delta_options, delta_counts
  from delta;

  if fresh > 0 then
    perform 1 from poll where slug = any (delta_polls) order by slug for update;
    update poll set revision = revision + 1, last_updated = clock_timestamp() where slug = any (delta_polls);
    update tally t
    set count = t.count + d.votes
    from unnest(delta_polls, delta_options, delta_counts) as d (poll, option, votes)
    where t.poll = d.poll and t.option = d.option;
  end if;

  -- Only a batch with something else in it than new votes pays for finding out what.
  if fresh < cardinality(vote_ids) then
    perform record_duplicates(vote_ids, ms, seqs);
    return query
      select e.place, case when p.slug is null then 'unknown poll' else 'unknown option' end
      from unnest(vote_ids, polls, options) with ordinality as e (vote_id, poll, option, place)
      left join poll p on p.slug = e.poll
      where not exists (select from tally t where t.poll = e.poll and t.option = e.option)
        and not exists (select from vote_event v where v.vote_id = e.vote_id)
      order by e.place;
  end if;
end
$$;

-- Records the entries whose vote the ledger holds under another entry. A vote's acceptance is the lowest of
-- its entries' ids, so an earlier one takes the ledger row's place and the later becomes the duplicate.
create function record_duplicates(vote_ids uuid[], ms bigint[], seqs bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  with entry as (
    select distinct e.vote_id, e.ms, e.seq from unnest(vote_ids, ms, seqs) as e (vote_id, ms, seq)
  ), known as (
    select v.vote_id, v.accepted_ms, v.accepted_seq
    from vote_event v
    where v.vote_id in (select vote_id from entry)
    order by v.vote_id
    for update
  ), every as (
    select vote_id, ms, seq from entry where vote_id in (select vote_id from known)
    union
    select vote_id, accepted_ms, accepted_seq from known
  ), first as (
    select distinct on (vote_id) vote_id, ms, seq from every order by vote_id, ms, seq
  ), moved as (
    update vote_event v
    set accepted_ms = f.ms, accepted_seq = f.seq
    from first f
    where v.vote_id = f.vote_id and (v.accepted_ms, v.accepted_seq) <> (f.ms, f.seq)
  )
  insert into duplicate_entry (vote_id, accepted_ms, accepted_seq)
  select e.vote_id, e.ms, e.seq
  from every e
  join first f on f.vote_id = e.vote_id
  where (e.ms, e.seq) <> (f.ms, f.seq)
  order by e.vote_id, e.ms, e.seq
  on conflict do nothing;
end
$$;

-- Buries one entry that can't be counted. A vote that the ledger already holds stays what it is, and the
-- entry is recorded as its duplicate. Returns whether it was buried.
create function bury_vote(
  id uuid, poll text, option text, ms bigint, seq bigint, reason text,
  stream text, entry_id text, deliveries bigint, fields bytea[]
) returns boolean
language plpgsql as $$
#variable_conflict use_variable
begin
  insert into vote_event (vote_id, poll, option, status, reason, accepted_ms, accepted_seq)
  values (id, poll, option, 'dead', reason, ms, seq)
  on conflict (vote_id) do nothing;
  if not found then
    perform record_duplicates(array[id], array[ms], array[seq]);
    return false;
  end if;
  insert into dead_letter (vote_id, stream, entry_id, deliveries, fields)
  values (id, stream, entry_id, deliveries, fields);
  return true;
end
$$;
