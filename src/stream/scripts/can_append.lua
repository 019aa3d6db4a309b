-- Asks for what appending a vote takes, and appends nothing: Redis refuses this where and as it would refuse a vote, since its
-- memory is full, its disk fails, replicas are missing, or it is a replica itself.
--
-- KEYS[1]  a key that does not exist, in the slot of the stream
--
-- Returns null, or Redis's refusal.
return redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'v', '')
