#!lua flags=no-writes
-- How many entries are not yet acked: those pending, and those not yet given out. The latter are counted, up to a
-- thousand; beyond, they are what Redis takes for the group's lag, which can be far off once it was restarted, but never
-- more than the stream holds.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
--
-- Returns the number.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local length = redis.call('XLEN', KEYS[1])
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local info = {}
  for index = 1, #group, 2 do info[group[index]] = group[index + 1] end
  if info['name'] == ARGV[1] then
    local most = 1000
    local waiting = #redis.call('XRANGE', KEYS[1], '(' .. info['last-delivered-id'], '+', 'COUNT', most)
    if waiting == most then
      waiting = math.max(most, math.min(tonumber(info['lag'] or length) or length, length))
    end
    return waiting + info['pending']
  end
end
return length
