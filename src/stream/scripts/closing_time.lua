#!lua flags=allow-oom
-- Finds a time that all entries are before, and sees to it that no later one is. Where the last id is ahead of the clock, new
-- ids would go on in its ms until the clock has caught up, hence the last id is raised by a ms.
--
-- KEYS[1]  the stream
--
-- Returns the time, in ms since 1970, as text.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for index = 1, #info, 2 do
    if info[index] == 'last-generated-id' then
      local last = tonumber(string.match(info[index + 1], '(%d+)-'))
      if last >= now then
        now = last + 1
        redis.call('XSETID', KEYS[1], string.format('%.0f-0', now))
      end
    end
  end
end
return string.format('%.0f', now)
