-- Takes an array of polls, and one with a text for each of them. Returns what each text adds to the tallies of its poll: a row
-- for each option that it names (single, multiple), rates (score), gives points (points) or puts first (ranked), with its place in
-- the arrays, from 1, and the score or the points; `value` is null where the poll's kind has neither. An abstention is a row
-- without an option. Of a text that is no choice in the poll, or not in the one form that a choice has, there is no row. What
-- is a choice is said in src/domain/Choice.ts, which a property test holds this to.
create or replace function choice_parts(polls text[], choices text[])
returns table (number bigint, poll text, kind text, option text, value int)
language sql stable as $$
  with said as materialized (
    select c.number, c.choice, p.slug, p.kind, p.abstain
    from unnest(polls, choices) with ordinality as c (poll, choice, number) join poll p on p.slug = c.poll
  ), rules as materialized (
    select p.slug, p.kind, p.min, p.max, p.every, p.budget, p.spend_all,
      array(select t.option from tally t where t.poll = p.slug order by t.position) as options
    from poll p where p.slug = any (array(select distinct s.slug from said s where s.kind <> 'single'))
  ), sets as materialized (
    select r.slug, r.max, array_to_tsvector(r.options) as options from rules r where r.kind = 'ranked'
  )
  select c.number, c.slug, c.kind, null::text, null::int from said c where c.abstain and c.choice = '-'
  union all
  -- Nearly all polls are such, whose choices are their options: a batch may have votes in a thousand of them.
  select c.number, c.slug, c.kind, t.option, null
  from said c join tally t on t.poll = c.slug and t.option = c.choice
  where c.kind = 'single'
  union all
  -- Each ranking by itself, in one pass: where thousands of them differ, this is much of what a batch takes. Without the options that
  -- it names, there are fewer by as many: each is one, and none comes twice.
  select c.number, c.slug, c.kind, c.named[1], null
  from (
    select c.number, c.slug, c.kind, s.max, s.options, string_to_array(c.choice, '>') as named
    from said c join sets s on s.slug = c.slug
    where c.kind = 'ranked' and length(c.choice) <= 1024
    offset 0
  ) c
  where cardinality(c.named) between 1 and c.max and length(ts_delete(c.options, c.named)) = length(c.options) - cardinality(c.named)
  union all
  select c.number, c.slug, c.kind, unnest(c.named), unnest(c.said)
  from (
    select c.number, c.choice, r.*,
      case r.kind
        when 'multiple' then string_to_array(c.choice, '+')
        else array(select split_part(p, ':', 1) from unnest(string_to_array(c.choice, ',')) as p)
      end as named,
      case when r.kind in ('score', 'points') then array(
        select case when p ~ '^[^:]+:(0|-?[1-9][0-9]{0,6})$' then split_part(p, ':', 2)::int end
        from unnest(string_to_array(c.choice, ',')) as p
      ) end as said
    from said c
    join rules r on r.slug = c.slug
    where c.kind not in ('single', 'ranked') and length(c.choice) <= 1024
    offset 0
  ) c
  -- Those of the poll's options that are named, in the poll's order, are all that is named.
  where array(select o from unnest(c.options) as o where o = any (c.named)) = c.named and case c.kind
    when 'multiple' then cardinality(c.named) between c.min and c.max
    when 'score' then (not c.every or c.named = c.options)
      and (select bool_and(coalesce(v between c.min and c.max, false)) from unnest(c.said) as v)
    else (
      select bool_and(coalesce(v > 0, false)) and (sum(v) = c.budget or sum(v) < c.budget and not c.spend_all)
      from unnest(c.said) as v
    )
  end
$$;
