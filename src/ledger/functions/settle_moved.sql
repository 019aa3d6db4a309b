-- Decides anew over the votes of polls whose times are others now than when they were read, in this transaction. Since the polls are
-- locked now, they can't change any more. A poll that is gone, or has another ballot rule, makes the transaction fail, to be begun
-- anew.
-- Takes the slugs of polls without those that do not exist, and in arrays of one length what was read of each, as increment_vote
-- reads it.
--
-- Locks: what settle_poll locks; the polls are locked already.
create or replace function settle_moved(
  slugs text[], rules text[], opens bigint[], closes bigint[], shuts int8multirange[]
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  moved record;
begin
  for moved in
    with p as materialized (
      select slug, case when decided then 'decided' else ballot end as rule, opens_ms, closes_ms, shut
      from poll where slug = any (slugs)
    )
    select was.slug, p.rule is distinct from was.rule as gone
    from unnest(slugs, rules, opens, closes, shuts) as was (slug, rule, opens_ms, closes_ms, shut)
    left join p on p.slug = was.slug
    where (p.rule, p.opens_ms, p.closes_ms, p.shut) is distinct from (was.rule, was.opens_ms, was.closes_ms, was.shut)
    order by was.slug
  loop
    if moved.gone then
      raise exception 'a poll was deleted meanwhile, or has another rule' using errcode = 'serialization_failure';
    end if;
    perform settle_poll(moved.slug);
  end loop;
end
$$;
