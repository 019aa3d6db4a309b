-- Asks for what appending a vote takes, and appends nothing: Redis refuses this where and as it would refuse a vote, since its
-- memory is full, its disk fails, replicas are missing, it is a replica itself, its user lacks a command, or what has the stream's
-- name is no stream.
--
-- KEYS[1]  a key that does not exist, in the slot of the stream
-- KEYS[2]  the stream
--
-- Returns null, or Redis's refusal.
local absent = KEYS[1]
-- What append.lua runs, in forms that write nothing where there is no such key.
for _, command in ipairs({
  { 'XADD', absent, 'NOMKSTREAM', '*', 'v', '' },
  { 'SET', absent, '', 'XX' },
  { 'GET', absent },
  { 'EXISTS', absent },
  { 'HGET', absent, '' },
  { 'TIME' },
  { 'XLEN', KEYS[2] },
}) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then return answer end
end
return false
