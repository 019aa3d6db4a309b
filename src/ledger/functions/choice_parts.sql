-- Takes choices apart: an array of polls, and one with a choice in each of them. Returns what each choice says, a row for
-- each option that it names: its place in the choice, from 1, and its value: its score, its points, its rank from 1, or 1.
-- An abstention is a row without an option. Of a text that is no choice in the poll, or not in the one form that a choice
-- has, there is no row. What is a choice is said in src/domain/Choice.ts, which a property test holds this to.
create or replace function choice_parts(polls text[], choices text[])
returns table (poll text, choice text, place bigint, option text, value int)
language sql stable as $$
  with asked as (
    select p.*, c.choice, c.number
    from unnest(polls, choices) with ordinality as c (poll, choice, number)
    join poll p on p.slug = c.poll
  ), part as (
    select a.number, a.kind, s.place, t.option, t.position,
      case
        when a.kind = 'ranked' then s.place
        when a.kind = 'multiple' then 1
        when s.part ~ ':(0|-?[1-9][0-9]{0,6})$' then split_part(s.part, ':', 2)::int
      end::int as value
    from asked a
    cross join lateral string_to_table(a.choice, case a.kind when 'multiple' then '+' when 'ranked' then '>' else ',' end)
      with ordinality as s (part, place)
    left join tally t on t.poll = a.slug
      and t.option = case when a.kind in ('score', 'points') then split_part(s.part, ':', 1) else s.part end
      and (a.kind not in ('score', 'points') or s.part not like '%:%:%')
    where a.kind <> 'single' and length(a.choice) <= 1024
  ), ordered as (
    select part.*, position > lag(position, 1, -1) over (partition by number order by place) as rises from part
  ), good as (
    select o.number
    from ordered o join asked a on a.number = o.number
    group by o.number, a.slug, a.kind, a.min, a.max, a.every, a.budget, a.spend_all
    having count(o.option) = count(*) and count(o.value) = count(*) and case a.kind
      when 'multiple' then bool_and(o.rises) and count(*) between a.min and a.max
      when 'ranked' then count(distinct o.option) = count(*) and count(*) <= a.max
      when 'score' then bool_and(o.rises) and min(o.value) >= a.min and max(o.value) <= a.max
        and (not a.every or count(*) = (select count(*) from tally t where t.poll = a.slug))
      else bool_and(o.rises) and min(o.value) > 0 and sum(o.value) <= a.budget
        and (not a.spend_all or sum(o.value) = a.budget)
    end
  )
  select a.slug, a.choice, o.place, o.option, o.value
  from good g join asked a on a.number = g.number join part o on o.number = g.number
  union all
  select a.slug, a.choice, 1, t.option, 1 from asked a join tally t on t.poll = a.slug and t.option = a.choice
  where a.kind = 'single'
  union all
  select a.slug, a.choice, 1, null, null from asked a where a.abstain and a.choice = '-'
$$;
