-- Has something that has happened to a poll written into its public log, if it has one. A draft has none yet: nobody is to see it.
-- Takes the poll's slug, what has happened (kind in log_queue), and what there is to say about it; to which is added what the poll's
-- draws are committed to by then, since it may be reopened, and have another seed, before this is read.
create or replace function log_append(changed text, happened text, said jsonb default null) returns void
language sql as $$
  insert into log_queue (kind, polls, payload)
  select happened, array[slug],
    case
      when tie_seed is null then said
      else coalesce(said, '{}') || jsonb_build_object('tie_seed_hash', encode(sha256(tie_seed), 'hex'))
    end
  from poll where slug = changed and log and not draft
$$;
