#!lua flags=allow-oom
-- Keeps a stream from being trimmed for a while, so that the entries appended from now on can be counted.
--
-- KEYS[1]  the stream
-- KEYS[2]  the record of the last trim (see trim.lua), whose expiry the next trim waits for
-- ARGV[1]  for how long, in ms
--
-- Returns the id of the last entry ever appended ("0-0" where there is none), and the time in ms since 1970. The next
-- entry's id is above the one, and not before the other.
redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
local time = redis.call('TIME')
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for index = 1, #info, 2 do
    if info[index] == 'last-generated-id' then last = info[index + 1] end
  end
end
return { last, string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) }
