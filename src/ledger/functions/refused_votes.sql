-- Returns those votes of a batch that the ledger does not hold now that the batch is counted: each with its place in the arrays, from
-- 1, and why it was refused. Takes arrays as increment_vote has them: with an element for each vote, and with one for each choice,
-- whether it is `valid` in its poll.
create or replace function refused_votes(
  vote_ids uuid[], numbers int[], voters bytea[], polls text[], valid boolean[]
) returns table (place bigint, reason text)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
    select e.place, case
      when p.slug is null then 'unknown poll'
      when not valid[e.number] then case p.kind when 'single' then 'unknown option' else 'not a choice of the poll' end
      when p.ballot <> 'open' and e.voter is null then 'the poll needs a voter'
      else 'from before what the ledger keeps'
    end
    from unnest(vote_ids, numbers, voters) with ordinality as e (vote_id, number, voter, place)
    left join poll p on p.slug = polls[e.number]
    where (select true from vote_event v where v.vote_id = e.vote_id) is null
    order by e.place;
end
$$;
