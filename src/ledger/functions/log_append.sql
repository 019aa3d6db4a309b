-- Has something that has happened to a poll written into its public log, if it has one.
-- Takes the poll's slug, what has happened (kind in log_queue), and what there is to say about it.
create or replace function log_append(changed text, happened text, said jsonb default null) returns void
language sql as $$
  insert into log_queue (kind, polls, payload)
  select happened, array[slug], said from poll where slug = changed and log
$$;
