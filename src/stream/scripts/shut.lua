#!lua flags=allow-oom
-- Has the votes of a poll refused from a time on by append.lua, whatever process takes them, since one may not have heard that the poll
-- is closed; or takes that back. Forgets what is over. It runs even where Redis's memory is full: no vote comes in then.
--
-- KEYS[1]  the stream, by whose time all this is
-- KEYS[2]  a hash of the polls that are shut, each with "<from> <until>", in ms since 1970
-- ARGV[1]  the poll
-- ARGV[2]  from when on, in ms since 1970; without it, the poll's votes are taken
-- ARGV[3]  until when, in ms since 1970; what begins later than in as long as it lasts, all processes have heard of by then
--
-- append.lua goes by the clock alone, which costs a vote less than the stream's own time. Where ids are ahead of that, a poll may be shut
-- already that would be only later by the clock.
--
-- Returns 1.
@common
local now, shut = stream_time(KEYS[1]), redis.call('HGETALL', KEYS[2])
for index = 1, #shut, 2 do
  if tonumber(string.match(shut[index + 1], '%d+$')) <= now then
    redis.call('HDEL', KEYS[2], shut[index])
  end
end
local from, till = tonumber(ARGV[2]), tonumber(ARGV[3])
if from and now < till and from - now < till - from then
  if from <= now then from = 0 end
  local text = string.format('%.0f', till)
  redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f ', from) .. text)
  redis.call('PEXPIREAT', KEYS[2], text, 'NX')
  redis.call('PEXPIREAT', KEYS[2], text, 'GT')
else
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return 1
