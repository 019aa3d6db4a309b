#!lua flags=no-writes
-- Counts the entries that were ever appended up to an id. It takes those beyond the id away from all that were ever
-- appended, so none of those may have been trimmed.
--
-- KEYS[1]  the stream
-- ARGV[1]  the id
--
-- Returns their number.
@common
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
return fields(redis.call('XINFO', 'STREAM', KEYS[1]))['entries-added'] - count_after(KEYS[1], ARGV[1], '+')
