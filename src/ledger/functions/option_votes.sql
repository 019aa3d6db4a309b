-- Takes arrays of one length: a poll, a choice there, and a number of votes with that choice. Returns the votes by option as
-- its tally has them: those that name it (single, multiple), rate it (score), give it points (points) or put it first
-- (ranked), by its score or its points; `value` is null where the poll's kind has neither.
create or replace function option_votes(polls text[], choices text[], counts bigint[])
returns table (poll text, kind text, option text, value int, votes bigint)
language sql stable as $$
  select p.slug, p.kind, c.option, v.value, sum(d.votes)::bigint
  from unnest(polls, choices, counts) as d (poll, choice, votes)
  join poll p on p.slug = d.poll
  join choice_parts(polls, choices) c on c.poll = d.poll and c.choice = d.choice
  cross join lateral (select case when p.kind in ('score', 'points') then c.value end as value) v
  where c.option is not null and (p.kind <> 'ranked' or c.place = 1)
  group by p.slug, p.kind, c.option, v.value
$$;
