-- Finds what an idempotency key was used for, and writes its record again, for a WAIT to follow: that stands for what the
-- connection has written before it, and a record that was only read may be at no replica yet.
--
-- KEYS[1]  the record of the idempotency key
--
-- Returns the record; null where there is none.
local record = redis.call('GET', KEYS[1])
if record then
  redis.call('SET', KEYS[1], record, 'KEEPTTL')
end
return record
