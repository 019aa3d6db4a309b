#!lua flags=allow-oom
-- Keeps right what Redis takes for a group's lag. Redis counts the entries that it gives out, but writes that number neither
-- to its append-only file nor to its replicas: after a restart or a failover it is missing, or that of long ago. So it is
-- recorded beside the place that it is for. Where Redis has started since, what was given out after that place is counted,
-- and Redis told.
--
-- KEYS[1]  the stream
-- KEYS[2]  the record: the run of Redis, the last entry given out, how many entries were ever appended up to that one
-- ARGV[1]  the group
--
-- Returns 1 where Redis had to be told, else 0.
@common
local group = redis.call('EXISTS', KEYS[1]) == 1 and group_of(KEYS[1], ARGV[1])
if not group then
  return 0
end

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local last, read, told = group['last-delivered-id'], group['entries-read'], 0
local known_run, place, up_to = string.match(redis.call('GET', KEYS[2]) or '', '(%S+) (%S+) (%d+)')
local added = fields(redis.call('XINFO', 'STREAM', KEYS[1]))['entries-added']
if known_run and (known_run ~= run or not read) and not below(last, place) and tonumber(up_to) <= added then
  local counted = up_to + count_after(KEYS[1], place, last)
  if read ~= counted then
    read, told = counted, 1
    redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], last, 'ENTRIESREAD', counted)
  end
end
if read then redis.call('SET', KEYS[2], run .. ' ' .. last .. ' ' .. string.format('%.0f', read)) end
return told
