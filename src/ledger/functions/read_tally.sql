-- Returns what results are made of, but a poll's tabulation, as it is at one moment: an object (TallyRow in src/ledger/TallyRows.ts
-- says what is in it); null where there is no such poll. Takes the poll's slug.
-- It is asked after nearly every batch of votes, and to plan it takes longer than to run it: the server keeps a function's plans.
create or replace function read_tally(wanted text) returns json
language plpgsql stable as $$
begin
  return (
    select json_strip_nulls(json_build_object(
      'version', p.version, 'revision', p.revision, 'epoch', ledger_epoch(),
      'updatedMs', floor(extract(epoch from p.last_updated) * 1000),
      'opensMs', p.opens_ms, 'closesMs', p.closes_ms, 'shut', shut_times(p.shut),
      'finalMs', floor(extract(epoch from p.final_at) * 1000),
      'changedMs', floor(extract(epoch from p.changed_after_final) * 1000),
      'kind', p.kind, 'seats', p.seats, 'ballots', p.ballots,
      'abstained', (select c.count from choice_tally c where c.poll = p.slug and c.choice = '-'),
      'tabulated', (select t.revision || ' ' || t.made_at from tabulation t where t.poll = p.slug and t.revision > 0),
      'options', (
        select json_agg(
          json_build_object(
            'option', t.option, 'count', t.count, 'sum', t.sum, 'finalCount', t.final_count, 'finalSum', t.final_sum,
            'scores', case when p.kind = 'score' then (
              select json_agg(json_build_object('score', s.score, 'count', s.count) order by s.score)
              from score_tally s where s.poll = p.slug and s.option = t.option and s.count > 0
            ) end
          ) order by t.position
        )
        from tally t where t.poll = p.slug
      )
    ))
    from poll p where p.slug = wanted
  );
end
$$;
