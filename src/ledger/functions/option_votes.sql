-- Takes arrays of one length: a poll, a choice there, and a number of votes with that choice. Returns the votes by option as
-- its tally has them: those that name it (single, multiple), rate it (score), give it points (points) or put it first
-- (ranked), by its score or its points; `value` is null where the poll's kind has neither.
create or replace function option_votes(polls text[], choices text[], counts bigint[])
returns table (poll text, kind text, option text, value int, votes bigint)
language sql stable as $$
  select c.poll, c.kind, c.option, v.value, sum(counts[c.number])::bigint
  from choice_parts(polls, choices) c
  cross join lateral (select case when c.kind in ('score', 'points') then c.value end as value) v
  where c.option is not null and (c.kind <> 'ranked' or c.place = 1)
  group by c.poll, c.kind, c.option, v.value
$$;
