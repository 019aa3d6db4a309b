-- Finds what an idempotency key was used for. That it was not used, only a Redis knows that takes votes: one that has become a
-- replica, which a connection may not have noticed yet, does not have the latest records, so it refuses to say so.
--
-- KEYS[1]  the record of the idempotency key
-- ARGV[1]  "again" where a WAIT follows: that stands for what the connection has written before it, and a record that was only
--          read may be at no replica yet, so it is written again
--
-- Returns the record; null where there is none; or Redis's refusal.
local record = redis.call('GET', KEYS[1])
if not record then
  local written = redis.pcall('DEL', KEYS[1])
  if type(written) == 'table' then
    return written
  end
elseif ARGV[1] == 'again' then
  redis.call('SET', KEYS[1], record, 'KEEPTTL')
end
return record
