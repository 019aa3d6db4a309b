-- Takes an array of polls, and one with a text for each of them. Returns what each text adds to the tallies of its poll: a row
-- for each option that it names (single, multiple), rates (score), gives points (points) or puts first (ranked), with its place in
-- the arrays, from 1, and the score or the points; `value` is null where the poll's kind has neither. An abstention is a row
-- without an option. Of a text that is no choice in the poll, or not in the one form that a choice has, there is no row. What
-- is a choice is said in src/domain/Choice.ts, which a property test holds this to.
create or replace function choice_parts(polls text[], choices text[])
returns table (number bigint, poll text, kind text, option text, value int)
language sql stable as $$
  with rules as materialized (
    select p.slug, p.kind, p.min, p.max, p.every, p.budget, p.spend_all, p.abstain,
      array(select t.option from tally t where t.poll = p.slug order by t.position) as options
    from poll p where p.slug = any (polls) and p.kind <> 'single'
  )
  -- Nearly all polls are such, whose choices are their options: a batch may have votes in a thousand of them.
  select c.number, p.slug, p.kind, t.option, null::int
  from unnest(polls, choices) with ordinality as c (poll, choice, number)
  join poll p on p.slug = c.poll and p.kind = 'single'
  left join tally t on t.poll = c.poll and t.option = c.choice
  where t.option is not null or p.abstain and c.choice = '-'
  union all
  select c.number, r.slug, r.kind, o.option, o.value
  from unnest(polls, choices) with ordinality as c (poll, choice, number)
  join rules r on r.slug = c.poll
  -- Each choice by itself, and without a sort: where thousands of them differ, this is much of what a batch takes.
  cross join lateral (
    select
      case
        when r.abstain and c.choice = '-' then array[null]
        when r.kind = 'multiple' then string_to_array(c.choice, '+')
        when r.kind = 'ranked' then string_to_array(c.choice, '>')
        else array(select split_part(p, ':', 1) from unnest(string_to_array(c.choice, ',')) as p)
      end as named,
      case when r.kind in ('score', 'points') then array(
        select case when p ~ '^[^:]+:(0|-?[1-9][0-9]{0,6})$' then split_part(p, ':', 2)::int end
        from unnest(string_to_array(c.choice, ',')) as p
      ) end as said
    offset 0
  ) k
  cross join lateral unnest(case r.kind when 'ranked' then k.named[1:1] else k.named end, k.said) as o (option, value)
  where length(c.choice) <= 1024 and case
    when r.abstain and c.choice = '-' then true
    -- As many of the poll's options are named as there are names: each name is one of them, and none comes twice.
    when r.kind = 'ranked' then cardinality(k.named) <= r.max
      and (select count(*) from unnest(r.options) as o where o = any (k.named)) = cardinality(k.named)
    -- Those of the poll's options that are named, in the poll's order, are all that is named.
    else array(select o from unnest(r.options) as o where o = any (k.named)) = k.named and case r.kind
      when 'multiple' then cardinality(k.named) between r.min and r.max
      when 'score' then (not r.every or k.named = r.options)
        and (select bool_and(coalesce(v between r.min and r.max, false)) from unnest(k.said) as v)
      else (
        select bool_and(coalesce(v > 0, false)) and (sum(v) = r.budget or sum(v) < r.budget and not r.spend_all)
        from unnest(k.said) as v
      )
    end
  end
$$;
