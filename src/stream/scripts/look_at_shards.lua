#!lua flags=allow-oom
-- Tells of each of some streams whether it exists, and which numbers of shards were in use lately; records the caller's number.
--
-- KEYS     two for each stream: its own, and the numbers of shards, each with the time at which it was last in use
-- ARGV[1]  how far back "lately" goes, in ms
-- ARGV[2…] for each stream, the caller's number of shards, if the stream is one of these; else 0
--
-- Returns for each stream 1 where it exists, else 0; then the numbers.
@common
local now = clock()
local answers = {}
for index = 1, #KEYS / 2 do
  local stream, counts, count = KEYS[2 * index - 1], KEYS[2 * index], ARGV[index + 1]
  if count ~= '0' then
    redis.call('ZADD', counts, now, count)
    redis.call('PEXPIRE', counts, ARGV[1])
  end
  local found = { redis.call('EXISTS', stream) }
  for _, used in ipairs(redis.call('ZRANGE', counts, now - ARGV[1], '+inf', 'BYSCORE')) do
    found[#found + 1] = used
  end
  answers[index] = found
end
return answers
