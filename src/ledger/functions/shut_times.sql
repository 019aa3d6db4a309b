-- Takes when a poll was closed in between (poll.shut); returns these times as pairs of ms since 1970, from and until, or null where
-- there are none.
create or replace function shut_times(shut int8multirange) returns json
language sql immutable strict as $$
  select json_agg(json_build_array(lower(s), upper(s))) from unnest(shut) s
$$;
