-- Takes a UUIDv7; returns its time, in ms since 1970.
create or replace function vote_id_ms(id uuid) returns bigint
language sql immutable strict as $$
  select ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
$$;
