-- Records the entries of a batch whose vote the ledger holds under another entry. The lowest of its entries' ids is a
-- vote's acceptance, so an earlier entry takes the place of the one in the vote's row, which becomes the duplicate.
-- Below the horizon a row stays what it is, and each other entry is a duplicate.
-- Takes arrays of one length, with a vote's id and its entry's id; votes that the ledger does not hold may be among
-- them.
--
-- Locks: vote_event (hold_horizon), the polls of these votes (lock_polls), the rows of these votes by id.
create or replace function record_duplicates(vote_ids uuid[], ms bigint[], seqs bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  -- Rows below it stay what they are.
  oldest constant uuid := vote_id_at(hold_horizon());
  moved record;
  moved_polls text[];
begin
  -- Whoever decides over a poll's votes anew has the poll first, and then their rows (settle_poll).
  perform lock_polls(array(
    select distinct v.poll
    from unnest(vote_ids) as e (vote_id)
    cross join lateral (select v.poll from vote_event v where v.vote_id = e.vote_id offset 0) v
  ));
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
      -- All entries of these votes, also the one that their row has.
      select vote_id, ms, seq from entry where vote_id in (select vote_id from known)
      union
      select vote_id, accepted_ms, accepted_seq from known
    ), first as (
      -- The entry that the row is to have.
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

  -- With an earlier acceptance another vote of its voter may count, or the vote may be in the poll's time.
  perform settle_poll(slug)
  from (
    select slug from poll
    where slug = any (moved_polls)
      and (ballot <> 'open' or opens_ms is not null or closes_ms is not null or shut is not null)
    order by slug
  ) p;
end
$$;
