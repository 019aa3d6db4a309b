#!lua flags=allow-oom
-- Writes a key, for a WAIT to follow: that stands for all that this Redis has written before it, by whatever connection. It
-- runs even where Redis's memory is full, since counting relieves that.
--
-- KEYS[1]  the key, which means nothing
-- ARGV[1]  how long it is kept, in ms
--
-- Returns 1.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
