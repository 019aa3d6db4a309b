#!lua flags=allow-oom
-- Keeps a stream from being trimmed for a while, so that the entries appended from now on can be counted.
--
-- KEYS[1]  the stream
-- KEYS[2]  the record of the last trim (see trim.lua), whose expiry the next trim waits for
-- ARGV[1]  for how long, in ms
--
-- Returns the id of the last entry ever appended ("0-0" where there is none), and the time in ms since 1970. The next
-- entry's id is above the one, and not before the other.
@common
redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
return { last_id(KEYS[1]), string.format('%.0f', clock()) }
