#!lua flags=allow-oom
-- Removes the entries that every group has acked: those up to the last one that the group was given, and below its oldest
-- pending one. Of these it leaves the young ones and the latest ones, where they are to stay for a while. The look and the
-- trim are one step, since an entry that is given out in between would be lost. In each interval one caller does it, the
-- others do nothing. It runs even where Redis's memory is full, since it relieves that.
--
-- KEYS[1]  the stream
-- KEYS[2]  the record of the last trim
-- ARGV[1]  the interval, in ms
-- ARGV[2]  how old an entry must be to go, in ms by Redis's clock
-- ARGV[3]  how many entries the stream keeps at least, whether they are acked or not
--
-- Returns the number of entries removed.
@common
-- Nobody keeps a stream from being trimmed for longer than a minute: a record that lasts longer is from before Redis's clock was set
-- back, and would have the stream grow for as long as that.
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then
  if redis.call('PTTL', KEYS[2]) <= 60000 then
    return 0
  end
  redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end

local keep_from = nil
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local info = fields(flat)
  local first = info['last-delivered-id']
  local pending = redis.call('XPENDING', KEYS[1], info['name'])
  if pending[1] > 0 and below(pending[2], first) then first = pending[2] end
  if keep_from == nil or below(first, keep_from) then keep_from = first end
end
if keep_from == nil then
  return 0
end

local young = string.format('%.0f-0', math.max(0, clock() - ARGV[2]))
if ARGV[2] ~= '0' and below(young, keep_from) then keep_from = young end
-- Without a limit of ours, Redis removes ten thousand at a time, and fewer in an interval than may come in.
local most = math.min(100000, redis.call('XLEN', KEYS[1]) - ARGV[3])
if most <= 0 then
  return 0
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', keep_from, 'LIMIT', most)
