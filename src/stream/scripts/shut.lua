#!lua flags=allow-oom
-- Has append.lua refuse the votes of a poll from a time on, whatever process takes them, where that goes by an earlier version of the poll
-- than one that is about to be: it may not have heard that the poll is closed then, or is another one. Or takes back what was said of
-- versions that did not come to be. Forgets what is over. It runs even where Redis's memory is full: no vote comes in then.
--
-- KEYS[1]  the stream, by whose time all this is
-- KEYS[2]  a hash of the polls that are shut, each with "<from> <until> <version> <told>", the times in ms since 1970
-- ARGV[1]  the poll
-- ARGV[2]  its version, by which votes are taken
-- ARGV[3]  from when on votes by earlier ones are refused, in ms since 1970; or, without ARGV[4], when this was the latest version that
--          there is: what was told later stays
-- ARGV[4]  for how many ms from then on, or from now; what begins later than in as long as it lasts, all processes have heard of by then
--
-- Of two versions, the later one and the longer time stay: a process that knows neither is refused all that each of them refuses.
--
-- append.lua goes by the clock alone, which costs a vote less than the stream's own time. Where ids are ahead of that, a poll may be shut
-- already that would be only later by the clock.
--
-- Returns from when on these votes are refused, in ms since 1970. Where the time is over that was given, votes may have come in since, and
-- it is one that all of them are before.
@common
-- What tells no version stands for all that there can be.
local all = 9007199254740991

-- Returns the numbers in a poll's text: from when on, until when, for what is earlier than which version, and when it was told.
local function numbers(text)
  local from, till, version, told = string.match(text, '^(%d+) (%d+) ?(%d*) ?(%d*)$')
  return tonumber(from), tonumber(till), tonumber(version) or all, tonumber(told) or 0
end

local now, shut = stream_time(KEYS[1]), redis.call('HGETALL', KEYS[2])
for index = 1, #shut, 2 do
  local _, till = numbers(shut[index + 1])
  if till <= now then redis.call('HDEL', KEYS[2], shut[index]) end
end
local version, from, ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HGET', KEYS[2], ARGV[1])
local was_from, was_till, was_version, was_told = math.huge, 0, 0, 0
if known then was_from, was_till, was_version, was_told = numbers(known) end
local refused, till = from, nil
if not ms then
  if was_version <= version or was_told > from then return from end
  from, till = was_from, was_till
elseif from - now >= ms then
  return from
else
  if from <= now then from, refused = 0, time_after_all(KEYS[1]) end
  from, till, version = math.min(from, was_from), math.max(refused + ms, was_till), math.max(version, was_version)
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f %.0f %.0f %.0f', from, till, version, now))
till = string.format('%.0f', till)
redis.call('PEXPIREAT', KEYS[2], till, 'NX')
redis.call('PEXPIREAT', KEYS[2], till, 'GT')
return refused
