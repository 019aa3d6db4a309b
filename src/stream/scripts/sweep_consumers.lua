-- Deletes the consumers of a group that have been silent for a while and hold no entry. The check and the deletion are one
-- step, since deleting a consumer drops the entries that it holds.
--
-- KEYS[1]  the stream
-- ARGV[1]  the group
-- ARGV[2]  how long a consumer must have been silent, in ms
--
-- Returns the names of the deleted consumers.
@common
local deleted = {}
if redis.call('EXISTS', KEYS[1]) == 0 then
  return deleted
end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local info = fields(consumer)
  if info['pending'] == 0 and info['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info['name'])
    deleted[#deleted + 1] = info['name']
  end
end
return deleted
