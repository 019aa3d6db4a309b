#!lua flags=allow-oom
-- Makes the group, from the stream's beginning on, and the stream with it, where they are not there yet. A Redis whose
-- memory is full lets it, since without a group nothing would ever relieve it.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
--
-- Returns 1 where it made the group, else 0.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err then
  if string.find(made.err, 'BUSYGROUP', 1, true) then
    return 0
  end
  return made
end
return 1
