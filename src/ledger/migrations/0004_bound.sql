-- The ledger becomes partitioned by range of `vote_id` in three steps, so that votes are counted meanwhile: this one and
-- the third take a lock on it for a moment, the second, which reads all of it, none that a vote would wait for.

-- Whoever waits for a lock has all others wait behind: better to give up, and be tried again.
set local lock_timeout = '2s';
lock table vote_event in access exclusive mode;

-- The lowest UUIDv7 of a time, in ms since 1970: its first 48 bits.
create function vote_id_at(ms bigint) returns uuid
language sql immutable strict as $$
  select (lpad(to_hex(least(greatest(ms, 0), 281474976710655)), 12, '0') || repeat('0', 20))::uuid
$$;

-- The time of a UUIDv7, in ms since 1970.
create function vote_id_ms(id uuid) returns bigint
language sql immutable strict as $$
  select ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
$$;

-- What a ballot's vote was for: its row may be gone by the time that the voter changes it.
alter table ballot add column option text collate "C";

-- What there is becomes the first partition. It takes votes for two more days: time for this update to be finished, and
-- soon enough over for a short retention. The days are those of UTC.
declare
  day constant bigint := 86400000;
  bound constant uuid := vote_id_at((floor(extract(epoch from clock_timestamp()) * 1000 / day)::bigint + 3) * day);
begin
  -- An API whose clock was far ahead has minted others; then the third step finds them, under its lock.
  if not exists (select from vote_event where vote_id >= bound) then
    execute format('alter table vote_event add constraint vote_event_bound check (vote_id < %L) not valid', bound);
  end if;
end;
