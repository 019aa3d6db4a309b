#!lua flags=allow-oom
-- Looks whether a stream is there, and which numbers of shards votes were appended with lately; remembers the caller's.
--
-- KEYS[1]  the stream
-- KEYS[2]  the numbers of shards, by the time at which they were last in use
-- ARGV[1]  the caller's number of shards, if the stream is one of them; else 0
-- ARGV[2]  how long ago still counts, in ms
--
-- Returns 1 where the stream is there, else 0; and the numbers.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '0' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
local found = { redis.call('EXISTS', KEYS[1]) }
for _, count in ipairs(redis.call('ZRANGE', KEYS[2], now - ARGV[2], '+inf', 'BYSCORE')) do
  found[#found + 1] = count
end
return found
