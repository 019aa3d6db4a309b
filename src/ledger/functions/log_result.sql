-- Has a poll's final result written into its public log.
-- Takes the poll's slug.
create or replace function log_result(finished text) returns void
language sql as $$
  select log_append(finished, 'final', jsonb_build_object(
    'at', floor(extract(epoch from p.final_at) * 1000),
    'ballots', p.ballots,
    'abstained', coalesce((select count from choice_tally where poll = p.slug and choice = '-'), 0),
    'options', (
      select jsonb_agg(jsonb_build_object('id', t.option, 'count', t.count, 'sum', t.sum) order by t.position)
      from tally t where t.poll = p.slug
    ),
    'tie_seed', encode(p.tie_seed, 'hex')
  ))
  from poll p where p.slug = finished and p.final_at is not null
$$;
