-- What can be told from something else is not kept for the public logs: when a vote was made is in its id, and a tile of level 0 is
-- what the leaves of its bundle make. So `from_ms` and `to_ms` of a bundle are when its first and last new vote were made.
set local lock_timeout = '2s';
alter table log_queue drop column ms;
delete from log_tile where level = 0;
drop function if exists log_votes(uuid[], int[], text[], text[], bigint[], uuid[], boolean);
