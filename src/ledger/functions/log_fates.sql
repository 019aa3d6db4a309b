-- Has votes' new status written into the public logs of their polls: of votes that the ledger knew before, or that it can't count.
-- Takes the status and, in arrays of one length, the votes' ids and their polls, where these are known.
create or replace function log_fates(status text, vote_ids uuid[], polls text[]) returns void
language sql as $$
  insert into log_queue (kind, polls, vote_ids)
  select status, array_agg(p.slug order by e.place), array_agg(e.vote_id order by e.place)
  from unnest(vote_ids, polls) with ordinality as e (vote_id, poll, place)
  join poll p on p.slug = e.poll and p.log
  having count(*) > 0
$$;
