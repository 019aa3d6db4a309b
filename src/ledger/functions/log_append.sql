-- Has something that has happened to a poll written into its public log, if it has one.
-- Takes the poll's slug, what has happened (see log_queue), and what there is to say about it.
create or replace function log_append(changed text, kind text, payload jsonb default null) returns void
language sql as $$
  insert into log_queue (kind, polls, payload)
  select kind, array[slug], payload from poll where slug = changed and log
$$;
