-- Gives up a poll's public log, which can't go on, and begins another one with all votes of the poll that the ledger has.
-- Takes the poll's slug; the new log's name, its secret and the root of an empty tree; the last checkpoint of the old one that was
-- signed, with its number of leaves, if it is known elsewhere; and the old one's number. Returns the new log's number, which is the next
-- one; null where the old one is not the poll's last log, as where another restart has given it up meanwhile.
--
-- Locks: vote_event (hold_horizon), the poll, advisory lock 7461111 (whoever writes into the logs).
create or replace function restart_log(
  restarting text, new_origin text, new_secret bytea, empty_root bytea, former text, former_size bigint, given_up int default null
) returns int
language plpgsql as $$
#variable_conflict use_column
declare
  last int;
begin
  perform hold_horizon();
  perform 1 from poll where slug = restarting for update;
  perform pg_advisory_xact_lock(7461111);
  select max(number) into last from log where poll = restarting;
  if last is null or last <> given_up then
    return null;
  end if;
  -- The ledger's own may be of a database that was restored, or have come since the other one was read.
  update log set checkpoint = former, signed_size = former_size
  where poll = restarting and number = last and former_size > coalesce(signed_size, -1);
  -- What has happened to the poll, and waits to be written, is not what happens to it from now on.
  delete from log_queue where polls = array[restarting] and kind in ('poll', 'close', 'reopen', 'final');
  insert into log (poll, number, origin, secret, root, tokens)
  select poll, number + 1, new_origin, new_secret, empty_root, tokens from log where poll = restarting and number = last;
  perform log_append(restarting, 'poll');
  -- It is to say how many links were made before.
  perform log_append(restarting, 'tokens', '{"made": 0}') from log where poll = restarting and number = last and tokens > 0;
  insert into log_queue (kind, polls, choices, vote_ids)
  select status, array_agg(poll), array_agg(choice), array_agg(vote_id)
  from (
    select v.*, (row_number() over (partition by status order by vote_id) - 1) / 5000 as part
    from vote v where poll = restarting and status <> 'dead'
  ) v
  group by status, part
  order by part;
  perform log_fates('dead', array_agg(vote_id), array_agg(poll)) from vote_event where poll = restarting and status = 'dead';
  perform log_result(restarting);
  return last + 1;
end
$$;
