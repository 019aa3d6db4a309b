-- Takes choices apart: an array of polls, and one with a choice in each of them. Returns what each choice says, a row for
-- each option that it names: the choice's place in the arrays and the option's in the choice, both from 1, and its value: its
-- score, its points, its rank from 1, or 1. An abstention is a row without an option. Of a text that is no choice in the poll,
-- or not in the one form that a choice has, there is no row. What is a choice is said in src/domain/Choice.ts, which a
-- property test holds this to.
create or replace function choice_parts(polls text[], choices text[])
returns table (number bigint, poll text, kind text, choice text, place bigint, option text, value int)
language sql stable as $$
  with asked as (
    select p.*, c.choice, c.number
    from unnest(polls, choices) with ordinality as c (poll, choice, number)
    join poll p on p.slug = c.poll
  )
  select a.number, a.slug, a.kind, a.choice, o.place, o.option, o.value
  from asked a
  -- Each by itself: in a join of all with all of their parts, the planner compares every choice with every part.
  cross join lateral (
    select array_agg(t.option order by s.place) as options, array_agg(v.value order by s.place) as said,
      count(*) as parts, count(distinct t.option) as named, count(v.value) as valued, min(v.value) as lowest,
      max(v.value) as highest, sum(v.value) as sum,
      array_agg(t.position order by s.place) = array_agg(t.position order by t.position) as in_order
    from string_to_table(a.choice, case a.kind when 'multiple' then '+' when 'ranked' then '>' else ',' end)
      with ordinality as s (part, place)
    left join tally t on t.poll = a.slug
      and t.option = case when a.kind in ('score', 'points') then split_part(s.part, ':', 1) else s.part end
    cross join lateral (
      select case
        when a.kind = 'ranked' then s.place
        when a.kind = 'multiple' then 1
        when s.part ~ '^[^:]+:(0|-?[1-9][0-9]{0,6})$' then split_part(s.part, ':', 2)::int
      end::int as value
    ) v
  ) k
  cross join lateral unnest(k.options, k.said) with ordinality as o (option, value, place)
  where a.kind <> 'single' and length(a.choice) <= 1024 and k.named = k.parts and k.valued = k.parts and case a.kind
    when 'multiple' then k.in_order and k.parts between a.min and a.max
    when 'ranked' then k.parts <= a.max
    when 'score' then k.in_order and k.lowest >= a.min and k.highest <= a.max
      and (not a.every or k.parts = (select count(*) from tally t where t.poll = a.slug))
    else k.in_order and k.lowest > 0 and k.sum <= a.budget and (not a.spend_all or k.sum = a.budget)
  end
  union all
  select a.number, a.slug, a.kind, a.choice, 1, t.option, 1
  from asked a join tally t on t.poll = a.slug and t.option = a.choice
  where a.kind = 'single'
  union all
  select a.number, a.slug, a.kind, a.choice, 1, null, null from asked a where a.abstain and a.choice = '-'
$$;
