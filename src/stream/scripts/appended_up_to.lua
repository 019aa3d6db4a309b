#!lua flags=no-writes
-- Counts the entries that were ever appended up to an id. It takes those beyond the id away from all that were ever
-- appended, so none of those may have been trimmed.
--
-- KEYS[1]  the stream
-- ARGV[1]  the id
--
-- Returns their number.
@common
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local added = fields(redis.call('XINFO', 'STREAM', KEYS[1]))['entries-added']
local page = 1000
local from = ARGV[1]
while true do
  local entries = redis.call('XRANGE', KEYS[1], '(' .. from, '+', 'COUNT', page)
  added = added - #entries
  if #entries < page then
    return added
  end
  from = entries[#entries][1]
end
