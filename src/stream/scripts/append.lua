-- Appends votes in one step, each unless its idempotency key was used before: of two copies that arrive at once, at
-- whatever API processes, only one becomes an entry. None is appended that goes by what its poll was, and would not count (shut.lua).
--
-- KEYS[1]  the stream
-- KEYS[2]  the polls that are shut (see shut.lua)
-- KEYS[3…] the records of the idempotency keys, one for each vote that has a key; where there are any, after them a hash with
--          what the records hold of memory, in bytes, by the time at which they have expired (see key_memory.lua)
-- ARGV[1]  how long a record is kept, in ms
-- ARGV[2]  the polls of these votes that are not in their first version, each with the version that its votes go by, as words
-- ARGV[3…] for each vote: what it has beside the required fields, as words ("key", and the names of its optional fields;
--          "again" where a WAIT follows, which stands for what was written, so that a record that is found is written again);
--          its values of the required fields; its values of those optional fields
--
-- @values, @count and @fields are filled in from VoteEntry.ts, which knows an entry's fields. Only their values are sent
-- with each vote, since each argument costs something on both sides.
--
-- Returns for each vote its stream_id; for a vote with a key the record, "<stream_id> <vote_id> <option>", of this vote or
-- of the first one with that key; or the error that kept the vote from being appended.
local answers, none, record, at, bytes = {}, {}, 2, 3, 0
-- What Redis holds for a key with an expiry, beside the texts of the key and its value.
local overhead = 120
-- The polls of these votes, with whether they are shut for them; false where no poll is.
local shut = redis.call('EXISTS', KEYS[2]) == 1 and {}
local versions = none
if shut then
  versions = {}
  for poll, version in ARGV[2]:gmatch('(%S+) (%d+)') do versions[poll] = tonumber(version) end
end
while at <= #ARGV do
  local beside, @values = unpack(ARGV, at, at + @count)
  local optional, key, again, answer = none, false, false, false
  at = at + 1 + @count
  if beside ~= '' then
    optional = {}
    for word in beside:gmatch('%S+') do
      if word == 'key' then
        record = record + 1
        key = KEYS[record]
      elseif word == 'again' then
        again = true
      else
        optional[#optional + 1] = word
        optional[#optional + 1] = ARGV[at]
        at = at + 1
      end
    end
  end
  if key then
    answer = redis.pcall('GET', key)
  end
  if again and type(answer) == 'string' then
    local written = redis.pcall('SET', key, answer, 'KEEPTTL')
    if written.err then answer = written end
  end
  if shut and not answer then
    if shut[poll] == nil then
      local time, words = redis.call('TIME'), (redis.call('HGET', KEYS[2], poll) or ''):gmatch('%d+')
      local now, from, till, version = time[1] * 1000 + math.floor(time[2] / 1000), words(), words(), words()
      shut[poll] = from ~= nil and tonumber(from) <= now and now < tonumber(till)
        and (versions[poll] or 1) < (tonumber(version) or math.huge)
    end
    if shut[poll] then
      answer = redis.error_reply('SHUT the poll takes no votes')
    end
  end
  if not answer then
    answer = redis.pcall('XADD', KEYS[1], '*', @fields, unpack(optional))
    if key and type(answer) == 'string' then
      answer = answer .. ' ' .. vote_id .. ' ' .. option
      redis.call('SET', key, answer, 'PX', ARGV[1])
      bytes = bytes + #key + #answer + overhead
    end
  end
  answers[#answers + 1] = answer
end
if bytes > 0 then
  local held, time, step = KEYS[#KEYS], redis.call('TIME'), math.ceil(ARGV[1] / 96)
  local expired = math.ceil((time[1] * 1000 + time[2] / 1000 + ARGV[1]) / step) * step
  expired = string.format('%.0f', expired)
  -- The votes are appended, so that nothing may fail from here on.
  if redis.pcall('HINCRBY', held, expired, bytes) == bytes then
    redis.pcall('PEXPIREAT', held, expired, 'NX')
    redis.pcall('PEXPIREAT', held, expired, 'GT')
  end
end
return answers
