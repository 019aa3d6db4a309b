-- Takes an array of polls, and one with a text for each of them. Returns an array that says which of the texts are choices
-- in their polls: those that were counted before are, and the others where choice_parts takes them apart.
create or replace function valid_choices(polls text[], choices text[]) returns boolean[]
language plpgsql stable as $$
declare
  known boolean[];
begin
  select array_agg(t.poll is not null order by c.number) into known
  from unnest(polls, choices) with ordinality as c (poll, choice, number)
  left join choice_tally t on t.poll = c.poll and t.choice = c.choice;
  if true = all (known) then
    return known;
  end if;
  return (
    with new as (
      select array_agg(c.poll) as polls, array_agg(c.choice) as choices
      from unnest(polls, choices, known) as c (poll, choice, known) where not c.known
    ), parts as materialized (
      select distinct p.poll, p.choice from new cross join lateral choice_parts(new.polls, new.choices) p
    )
    select array_agg(c.known or p.poll is not null order by c.number)
    from unnest(polls, choices, known) with ordinality as c (poll, choice, known, number)
    left join parts p on p.poll = c.poll and p.choice = c.choice
  );
end
$$;
