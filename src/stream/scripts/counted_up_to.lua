#!lua flags=allow-oom
-- Finds a time before which all that a stream ever took is counted, and sees to it that it takes nothing more before it: no
-- entry is waiting or pending there, and the last id is raised to the time, so that none comes there by a clock that is slower
-- either, as after a failover or a step of the clock. A stream that does not exist is made, to keep that id; its group is not,
-- since consumers find out by its absence that a stream was lost.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
-- ARGV[2]  the time that is asked for, in ms since 1970
--
-- Returns the time asked for or, where that is not reached yet, the latest one that is; in ms since 1970, as text.
@common
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
end

local last = ms_of(last_id(KEYS[1]))
local up_to = math.min(tonumber(ARGV[2]), stream_time(KEYS[1]))

-- Without the group, all entries wait.
local waiting_from = '-'
local group = group_of(KEYS[1], ARGV[1])
if group then
  waiting_from = '(' .. group['last-delivered-id']
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
  if pending[1] > 0 then up_to = math.min(up_to, ms_of(pending[2])) end
end
local waiting = redis.call('XRANGE', KEYS[1], waiting_from, '+', 'COUNT', 1)[1]
if waiting then up_to = math.min(up_to, ms_of(waiting[1])) end

local text = string.format('%.0f', up_to)
if last < up_to then
  redis.call('XSETID', KEYS[1], text .. '-0')
end
return text
