#!lua flags=allow-oom
-- Finds a time that all entries are before, and sees to it that no later one is. Where the last id is ahead of the clock, new
-- ids would go on in its ms until the clock has caught up, hence the last id is raised by a ms.
--
-- KEYS[1]  the stream
--
-- Returns the time, in ms since 1970, as text.
@common
local now, last = clock(), ms_of(last_id(KEYS[1]))
if last >= now then
  now = last + 1
  redis.call('XSETID', KEYS[1], string.format('%.0f-0', now))
end
return string.format('%.0f', now)
