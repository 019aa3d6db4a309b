-- Takes a time in ms since 1970; returns the lowest UUIDv7 of that time, which is its first 48 bits. For a time that
-- 48 bits can't hold, it is the nearest that they can.
create or replace function vote_id_at(ms bigint) returns uuid
language sql immutable strict as $$
  select (lpad(to_hex(least(greatest(ms, 0), 281474976710655)), 12, '0') || repeat('0', 20))::uuid
$$;
