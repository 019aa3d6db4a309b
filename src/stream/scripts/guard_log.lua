-- Keeps the latest signed checkpoint of a log, outside the database: one that was restored to an earlier state is found by it.
--
-- KEYS[1]  the checkpoints, by log
-- ARGV[1]  the log
-- ARGV[2]  how many leaves it has
-- ARGV[3]  its signed checkpoint, whose second line says the same
--
-- Returns 1 where it is kept, 0 where a later one is there.
local known = redis.call('HGET', KEYS[1], ARGV[1])
local size = known and tonumber(string.match(known, '\n(%d+)\n'))
if size and size > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
