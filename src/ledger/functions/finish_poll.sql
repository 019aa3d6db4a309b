-- Makes a poll's result final, once all votes that were accepted before its closing time are in the ledger.
-- Takes its slug, and a time of the stream's clock, in ms since 1970, up to which all that were ever accepted are. Returns
-- whether the result has become final now: false where it was already, or the poll closes later.
--
-- Locks: the poll; its tallies change only under that lock.
create or replace function finish_poll(finishing text, counted_ms bigint) returns boolean
language plpgsql as $$
begin
  -- The revision: viewers are to see it.
  update poll
  set final_at = clock_timestamp(), revision = revision + 1, last_updated = clock_timestamp()
  where slug = finishing and closes_ms <= counted_ms and final_at is null;
  if not found then
    return false;
  end if;
  update tally set final_count = count, final_sum = sum where poll = finishing;
  perform log_result(finishing);
  return true;
end
$$;
