#!lua flags=allow-oom
-- Finds a time that all entries are before, and sees to it that no later one is.
--
-- KEYS[1]  the stream
--
-- Returns the time, in ms since 1970, as text.
@common
return string.format('%.0f', time_after_all(KEYS[1]))
