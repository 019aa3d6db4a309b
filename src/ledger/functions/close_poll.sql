-- For the version before this one, which runs beside it while processes are restarted (src/ledger/PollActs.ts closes polls).
-- Closes a poll, unless it closes earlier already or is final: votes accepted from then on that were counted no longer count.
-- Takes its slug and a time of the stream's clock, in ms since 1970. Returns whether there is such a poll.
--
-- Locks: vote_event (hold_horizon), the poll, then as settle_poll.
create or replace function close_poll(closing text, at_ms bigint) returns boolean
language plpgsql as $$
begin
  -- Before the poll, since counting takes the two in this order.
  perform hold_horizon();
  update poll set closes_ms = at_ms
  where slug = closing and (closes_ms is null or closes_ms > at_ms) and final_at is null;
  if found then
    perform log_append(closing, 'close', jsonb_build_object('at', at_ms));
    perform settle_poll(closing);
    return true;
  end if;
  return exists (select from poll where slug = closing);
end
$$;
