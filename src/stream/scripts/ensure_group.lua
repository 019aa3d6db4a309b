#!lua flags=allow-oom
-- Makes the group, and the stream with it, where they don't exist yet; the group starts at the stream's beginning. It runs
-- even where Redis's memory is full, since without a group nothing would ever relieve that.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
--
-- Returns 1 where the group is new, else 0.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err then
  if string.find(made.err, 'BUSYGROUP', 1, true) then
    return 0
  end
  return made
end
return 1
