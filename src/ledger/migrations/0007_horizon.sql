-- Counting with a horizon: votes whose id is of a time before it have no history any more that would tell whether they
-- were counted, so they are not. The ledger's rows below it never change; what changes about their votes is booked.
set local lock_timeout = '2s';
-- In the order in which the functions so far take them.
lock table poll, vote_event in access exclusive mode;

update ballot b set option = v.option from vote_event v where v.vote_id = b.vote_id and b.option is null;
alter table ballot alter column option set not null;

-- Whether nothing can change the poll's result any more: it had closed before the horizon, and its ballots are gone.
alter table poll add column decided boolean not null default false;

-- What the ledger no longer holds one by one: the votes of dropped partitions, and corrections of them. It is only ever
-- added to; its sum is what counts. `status` is a vote's, or `duplicate` for entries of `duplicate_entry`.
create table ledger_archive (
  poll text collate "C",
  option text collate "C",
  status text not null,
  votes bigint not null,
  booked_at timestamptz not null default now()
);

create index ledger_archive_poll on ledger_archive (poll);

-- The horizon, in ms since 1970; 0 where nothing was dropped.
create function ledger_horizon() returns bigint
language sql stable as $$
  select coalesce(max(to_ms), 0) from ledger_partition where closed_at is not null
$$;

-- The same, held where it is until the transaction ends: raising it waits for whoever writes to the ledger.
create function hold_horizon() returns bigint
language plpgsql as $$
begin
  lock table only vote_event in row exclusive mode;
  return ledger_horizon();
end
$$;
