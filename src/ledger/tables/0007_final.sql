-- When a poll's result became final (finish_poll), and when it has changed since then for the last time, if it has. The counts
-- that it became final with stay beside the present ones. The tables are locked for a moment, while votes are counted.
set local lock_timeout = '2s';
alter table poll add column final_at timestamptz, add column changed_after_final timestamptz;
alter table tally add column final_count bigint;

-- The polls that will be final next, and those that are counting.
create index poll_not_final on poll (closes_ms) where final_at is null and closes_ms is not null;
