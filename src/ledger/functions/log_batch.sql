-- Has votes that have come new into the ledger, in this transaction, written into the public logs of those of their polls that have
-- one (`logs`).
-- Takes arrays as increment_vote has them: with an element for each vote, and with one for each choice.
create or replace function log_batch(
  fates int[], signs int[], logs boolean[], vote_ids uuid[], numbers int[], polls text[], choices text[], proofs uuid[]
) returns void
language plpgsql as $$
begin
  -- Where all are logged as counted, their arrays go as they are.
  if true = all (logs) and 0 = all (fates) then
    perform log_votes('counted', null, vote_ids, numbers, polls, choices, proofs);
    return;
  end if;
  perform log_votes(s.status, s.places, vote_ids, numbers, polls, choices, proofs)
  from (
    select array_agg(e.place) filter (where e.fate = 0) as counted,
      array_agg(e.place) filter (where e.fate = 3 and signs[e.number] = -1) as superseded,
      array_agg(e.place) filter (where e.fate in (1, 2) or e.fate = 3 and signs[e.number] = 1) as rejected
    from (select generate_subscripts(vote_ids, 1) as place, unnest(numbers) as number, unnest(fates) as fate) e
    where logs[e.number]
  ) p
  cross join lateral (
    values ('counted', p.counted), ('superseded', p.superseded), ('rejected', p.rejected)
  ) as s (status, places)
  where s.places is not null;
end
$$;
