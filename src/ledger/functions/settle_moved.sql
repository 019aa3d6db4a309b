-- Decides anew over the votes of polls whose times are others now than when they were read, in this transaction, where that makes a
-- difference to a vote of the batch: all other votes were decided over when the times changed. Since the polls are locked now, they
-- can't change any more. A poll that is gone, or has another ballot rule, makes the transaction fail, to be begun anew.
-- Takes the slugs of polls without those that do not exist, and in arrays of one length what was read of each, as increment_vote
-- reads it; then the batch's votes as increment_vote has them: the poll of each choice, and by vote its choice and its acceptance.
--
-- Locks: what settle_poll locks; the polls are locked already.
create or replace function settle_moved(
  slugs text[], rules text[], opens bigint[], closes bigint[], shuts int8multirange[], polls text[], numbers int[], ms bigint[]
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
    select was.slug, p.rule is distinct from was.rule as gone, was.opens_ms as opened, was.closes_ms as closed, was.shut as shut_then,
      p.opens_ms, p.closes_ms, p.shut
    from unnest(slugs, rules, opens, closes, shuts) as was (slug, rule, opens_ms, closes_ms, shut)
    left join p on p.slug = was.slug
    where (p.rule, p.opens_ms, p.closes_ms, p.shut) is distinct from (was.rule, was.opens_ms, was.closes_ms, was.shut)
    order by was.slug
  loop
    if moved.gone then
      raise exception 'a poll was deleted meanwhile, or has another rule' using errcode = 'serialization_failure';
    end if;
    -- Mostly it closes a while ahead: a look at all votes of a large poll would hold up the batches behind this one.
    if exists (
      select from (select unnest(numbers) as number, unnest(ms) as ms) e
      where polls[e.number] = moved.slug
        -- The same as out_of_time.
        and case when e.ms < moved.opened then 1 when e.ms >= moved.closed or moved.shut_then @> e.ms then 2 else 0 end
          <> case when e.ms < moved.opens_ms then 1 when e.ms >= moved.closes_ms or moved.shut @> e.ms then 2 else 0 end
    ) then
      perform settle_poll(moved.slug);
    end if;
  end loop;
end
$$;
