-- Gives back what a consumer was given and has not acked: it counts as unacked for long, so that others may take it over. An entry that
-- the stream no longer holds stays as it is, since Redis would forget it.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
-- ARGV[2]  the consumer
-- ARGV[3]  for how long each entry is to count as unacked, in ms
--
-- Returns how many entries that are.
local page = 1000
local from = '-'
local given = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  return given
end
while true do
  local entries = redis.call('XPENDING', KEYS[1], ARGV[1], from, '+', page, ARGV[2])
  local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0}
  for _, entry in ipairs(entries) do
    local id = entry[1]
    if #redis.call('XRANGE', KEYS[1], id, id) > 0 then
      claim[#claim + 1] = id
      given = given + 1
    end
    from = '(' .. id
  end
  if #claim > 5 then
    claim[#claim + 1] = 'IDLE'
    claim[#claim + 1] = ARGV[3]
    claim[#claim + 1] = 'JUSTID'
    redis.call(unpack(claim))
  end
  if #entries < page then
    return given
  end
end
