-- Appends a vote unless its idempotency key was used before, in one step: two copies that arrive at once, at
-- whatever API process, give one entry.
--
-- KEYS[1]  the stream
-- KEYS[2]  the key's record
-- ARGV[1]  how long the record is kept, in ms
-- ARGV[2]  the vote's vote_id
-- ARGV[3]  its option
-- ARGV[4…] the entry's fields, names and values in turn
--
-- Returns the record, "<stream_id> <vote_id> <option>": of the vote just appended, or of the key's first one.
local held = redis.call('GET', KEYS[2])
if held then
  return held
end
local stream_id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
local record = stream_id .. ' ' .. ARGV[2] .. ' ' .. ARGV[3]
redis.call('SET', KEYS[2], record, 'PX', ARGV[1])
return record
