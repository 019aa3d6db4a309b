#!lua flags=no-writes
-- Reads a stream's state, for one group. The entries that are not yet given out are counted, up to a thousand. Beyond that
-- their number is what Redis takes for the group's lag (see keep_lag.lua), and at most what the stream holds, acked entries
-- that are not removed yet among them.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
-- ARGV[2]  how long a consumer may be silent before it counts as gone, in ms
-- ARGV[3]  what the name of a consumer ends with that reads nothing new
--
-- Returns six numbers: the length; the lag (entries not yet given out); the pending entries (given out and not acked); the
-- age of the oldest entry among lag and pending, in ms; the consumers that read and are not gone; the time, in ms since 1970. Without
-- the group, all entries are lag. Then the ms of the last id, as text.
@common
local now = clock()
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {0, 0, 0, 0, 0, now, '0'}
end
local length = redis.call('XLEN', KEYS[1])
local last = string.match(last_id(KEYS[1]), '(%d+)-')

-- Returns the age of the entry with this id, in ms.
local function age(id)
  return math.max(0, now - ms_of(id))
end

local group = group_of(KEYS[1], ARGV[1])
if not group then
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  return {length, length, 0, first and age(first[1]) or 0, 0, now, last}
end
local most = 1000
local waiting = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', most)
local lag = #waiting
if lag == most then
  lag = math.max(most, math.min(tonumber(group['lag'] or length) or length, length))
end
local oldest = 0
if #waiting > 0 then oldest = age(waiting[1][1]) end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
if pending[1] > 0 then oldest = math.max(oldest, age(pending[2])) end
local there = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local about = fields(consumer)
  if about['idle'] <= tonumber(ARGV[2]) and string.sub(about['name'], -#ARGV[3]) ~= ARGV[3] then there = there + 1 end
end
return {length, lag, pending[1], oldest, there, now, last}
