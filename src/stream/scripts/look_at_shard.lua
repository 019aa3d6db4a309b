#!lua flags=allow-oom
-- Tells whether a stream exists and which numbers of shards were in use lately, and records the caller's number.
--
-- KEYS[1]  the stream
-- KEYS[2]  the numbers of shards, each with the time at which it was last in use
-- ARGV[1]  the caller's number of shards, if the stream is one of these; else 0
-- ARGV[2]  how far back "lately" goes, in ms
--
-- Returns 1 where the stream exists, else 0; then the numbers.
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
