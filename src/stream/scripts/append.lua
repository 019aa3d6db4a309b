-- Appends votes, each unless its idempotency key was used before, in one step: two copies that arrive at once, at
-- whatever API processes, give one entry.
--
-- KEYS[1]  the stream
-- KEYS[2…] the keys' records, of those votes that have a key
-- ARGV[1]  how long a record is kept, in ms
-- ARGV[2…] of each vote: what more there is of it, a letter each (k: a key, v: a voter, t: a trace); its vote_id, poll,
--          option and cast_at; its voter; its traceparent
--
-- The entry's fields are those that `encodeVote` gives. Only their values come along, since each argument costs something
-- on both sides.
--
-- Returns of each vote its stream_id; of one with a key the record, "<stream_id> <vote_id> <option>", its own or that of
-- the key's first vote; or the error that kept it from being appended.
local answers, nothing, record, at = {}, {}, 1, 2
while at <= #ARGV do
  local has, vote_id, poll, option, cast_at = unpack(ARGV, at, at + 4)
  local keyed, more, answer = false, nothing, false
  at = at + 5
  if has ~= '' then
    keyed, more = has:find('k'), {}
    if has:find('v') then
      more = { 'voter', ARGV[at] }
      at = at + 1
    end
    if has:find('t') then
      more[#more + 1] = 'traceparent'
      more[#more + 1] = ARGV[at]
      at = at + 1
    end
  end
  if keyed then
    record = record + 1
    answer = redis.pcall('GET', KEYS[record])
  end
  if not answer then
    answer = redis.pcall('XADD', KEYS[1], '*', 'v', '1', 'vote_id', vote_id, 'poll', poll, 'option', option,
      'cast_at', cast_at, unpack(more))
    if keyed and type(answer) == 'string' then
      answer = answer .. ' ' .. vote_id .. ' ' .. option
      redis.call('SET', KEYS[record], answer, 'PX', ARGV[1])
    end
  end
  answers[#answers + 1] = answer
end
return answers
