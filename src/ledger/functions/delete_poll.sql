-- Deletes a poll with all that the ledger has of it: its votes, voters and tallies. How many votes that were, by no poll's
-- name, stays in the archive, so that every entry of the stream can still be accounted for.
-- Takes its slug. Whoever calls it holds the poll's lock.
--
-- Locks: vote_event (hold_horizon).
create or replace function delete_poll(deleting text) returns void
language plpgsql as $$
declare
  deleted bigint;
begin
  perform hold_horizon();
  -- In one statement: a vote may be buried meanwhile, and its letter must not be left without it.
  with gone as (
    delete from vote_event where poll = deleting returning vote_id, status
  ), letters as (
    delete from dead_letter d using gone g where g.status = 'dead' and d.vote_id = g.vote_id
  )
  select count(*) into deleted from gone;
  insert into ledger_archive (status, votes)
  select 'deleted', deleted + coalesce(sum(a.votes), 0) from ledger_archive a where a.poll = deleting and a.status <> 'imported';
  delete from ledger_archive where poll = deleting;
  delete from ballot where poll = deleting;
  delete from displaced where poll = deleting;
  delete from tabulation where poll = deleting;
  delete from score_tally where poll = deleting;
  delete from choice_tally where poll = deleting;
  delete from tally where poll = deleting;
  delete from poll where slug = deleting;
end
$$;
