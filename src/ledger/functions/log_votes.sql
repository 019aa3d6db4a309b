-- Has votes that have come new into the ledger, in this transaction, written into the public logs of their polls.
-- Takes the status that they have there, the places of these votes, from 1, and arrays as increment_vote does, where other votes
-- may be among them; `places` is null where it is all of them.
create or replace function log_votes(
  status text, places int[], vote_ids uuid[], numbers int[], polls text[], choices text[], proofs uuid[]
) returns void
language plpgsql as $$
begin
  if places is null then
    insert into log_queue (kind, polls, choices, vote_ids, numbers, proofs)
    values (status, polls, choices, vote_ids, numbers, proofs);
  elsif cardinality(places) > cardinality(choices) then
    insert into log_queue (kind, polls, choices, vote_ids, numbers, proofs)
    select status, polls, choices, array_agg(vote_ids[p]), array_agg(numbers[p]),
      case when proofs is not null then array_agg(proofs[p]) end
    from unnest(places) as p;
  else
    -- What so few votes say is less than what all of them do.
    insert into log_queue (kind, polls, choices, vote_ids, proofs)
    select status, array_agg(polls[numbers[p]]), array_agg(choices[numbers[p]]), array_agg(vote_ids[p]),
      case when proofs is not null then array_agg(proofs[p]) end
    from unnest(places) as p;
  end if;
end
$$;
