-- Asks for what appending a vote takes, and appends nothing: Redis refuses this where and as it would refuse a vote, since its
-- memory is full, its disk fails, replicas are missing, it is a replica itself, or what has the stream's name is no stream.
--
-- KEYS[1]  a key that does not exist, in the slot of the stream
-- KEYS[2]  the stream
--
-- Returns null, or Redis's refusal.
local refusal = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'v', '')
if not refusal then
  local length = redis.pcall('XLEN', KEYS[2])
  refusal = type(length) == 'table' and length
end
return refusal
