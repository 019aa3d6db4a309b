-- Takes an array of polls, and one with a text for each of them. Returns an array that says which of the texts are choices
-- in their polls: those that were counted before are, and the others where choice_parts takes them apart.
create or replace function valid_choices(polls text[], choices text[]) returns boolean[]
language plpgsql stable as $$
declare
  valid boolean[];
  new_numbers bigint[];
  new_polls text[];
  new_choices text[];
  number bigint;
begin
  select array_agg(t.poll is not null order by c.number),
    array_agg(c.number order by c.number) filter (where t.poll is null),
    array_agg(c.poll order by c.number) filter (where t.poll is null),
    array_agg(c.choice order by c.number) filter (where t.poll is null)
  into valid, new_numbers, new_polls, new_choices
  from unnest(polls, choices) with ordinality as c (poll, choice, number)
  left join choice_tally t on t.poll = c.poll and t.choice = c.choice;
  if new_numbers is not null then
    for number in select distinct p.number from choice_parts(new_polls, new_choices) p loop
      valid[new_numbers[number]] := true;
    end loop;
  end if;
  return valid;
end
$$;
