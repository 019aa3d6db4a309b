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
  select c.number, c.slug, c.kind, unnest(case c.kind when 'ranked' then c.named[1:1] else c.named end), unnest(c.said)
  -- Each choice by itself, in one pass: where thousands of them differ, this is much of what a batch takes.
  from (
    select c.number, c.choice, r.*,
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
    from unnest(polls, choices) with ordinality as c (poll, choice, number)
    join rules r on r.slug = c.poll
    where length(c.choice) <= 1024
    offset 0
  ) c
  where case
    when c.abstain and c.choice = '-' then true
    -- All that is named are options of the poll, and none comes twice, which a text vector would have but once.
    when c.kind = 'ranked' then cardinality(c.named) <= c.max and case when c.named <@ c.options
      then length(array_to_tsvector(c.named)) = cardinality(c.named) end
    -- Those of the poll's options that are named, in the poll's order, are all that is named.
    else array(select o from unnest(c.options) as o where o = any (c.named)) = c.named and case c.kind
      when 'multiple' then cardinality(c.named) between c.min and c.max
      when 'score' then (not c.every or c.named = c.options)
        and (select bool_and(coalesce(v between c.min and c.max, false)) from unnest(c.said) as v)
      else (
        select bool_and(coalesce(v > 0, false)) and (sum(v) = c.budget or sum(v) < c.budget and not c.spend_all)
        from unnest(c.said) as v
      )
    end
  end
$$;
