-- Has votes that have come new into the ledger, in this transaction, written into the public logs of their polls.
-- Takes arrays as increment_vote does, where other votes may be among them, and whether all of them are new and counted: then the
-- row is made of the arrays as they are.
create or replace function log_votes(
  vote_ids uuid[], numbers int[], polls text[], choices text[], proofs uuid[], whole boolean
) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  if not exists (select from poll where slug = any (polls) and log) then
    return;
  end if;
  if whole and not exists (select from poll where slug = any (polls) and not log) then
    insert into log_queue (kind, polls, choices, vote_ids, numbers, proofs)
    values ('counted', polls, choices, vote_ids, numbers, proofs);
    return;
  end if;
  insert into log_queue (kind, polls, choices, vote_ids, proofs)
  select v.status, array_agg(v.poll), array_agg(v.choice), array_agg(v.vote_id),
    case when proofs is not null then
      array_agg(coalesce(e.proof, '00000000-0000-0000-0000-000000000000'::uuid))
    end
  from (
    select distinct on (e.vote_id) e.vote_id, e.proof
    from unnest(vote_ids, numbers, proofs) as e (vote_id, number, proof)
    join unnest(polls) with ordinality as c (poll, number) on c.number = e.number
    join poll p on p.slug = c.poll and p.log
    order by e.vote_id
  ) e
  -- Looked up one by one: in a join, the planner reads every partition, not the one that an id is in.
  cross join lateral (select v.* from vote_event v where v.vote_id = e.vote_id offset 0) v
  -- The time that this transaction began at.
  where v.recorded_at = now() and v.status <> 'dead'
  group by v.status;
end
$$;
