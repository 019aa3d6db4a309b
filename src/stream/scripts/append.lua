-- Appends votes, each unless its idempotency key was used before, in one step: two copies that arrive at once, at
-- whatever API processes, give one entry.
--
-- KEYS[1]  the stream
-- KEYS[2…] the keys' records, of those votes that have a key
-- ARGV[1]  how long a record is kept, in ms
-- ARGV[2…] of each vote: whether it has a key (1 or 0), how many arguments its entry's fields are, and these: names and
--          values in turn, its vote_id as the fourth, its option as the eighth
--
-- Returns of each vote its stream_id; of one with a key the record, "<stream_id> <vote_id> <option>", its own or that of
-- the key's first vote; or the error that kept it from being appended.
local answers, record, at = {}, 1, 2
while at < #ARGV do
  local keyed, first = ARGV[at] == '1', at + 2
  local last = at + 1 + ARGV[at + 1]
  local answer = false
  if keyed then
    record = record + 1
    answer = redis.pcall('GET', KEYS[record])
  end
  if not answer then
    answer = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, first, last))
    if keyed and type(answer) == 'string' then
      answer = answer .. ' ' .. ARGV[first + 3] .. ' ' .. ARGV[first + 7]
      redis.call('SET', KEYS[record], answer, 'PX', ARGV[1])
    end
  end
  answers[#answers + 1] = answer
  at = last + 1
end
return answers
