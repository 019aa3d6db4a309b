#!lua flags=allow-oom
-- Adds up what the records of idempotency keys hold of memory, and forgets those that have expired.
--
-- KEYS[1]  a hash with the bytes by the time at which their records have expired, in ms since 1970 (see append.lua)
--
-- Returns the bytes.
@common
local now = clock()
local held = redis.call('HGETALL', KEYS[1])
local sum = 0
for index = 1, #held, 2 do
  if tonumber(held[index]) > now then
    sum = sum + held[index + 1]
  else
    redis.call('HDEL', KEYS[1], held[index])
  end
end
return sum
