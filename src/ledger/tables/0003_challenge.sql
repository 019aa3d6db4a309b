-- What each vote of a poll has to solve; null for nothing. The table is locked for a moment, while votes are counted.
set local lock_timeout = '2s';
alter table poll add column challenge text check (challenge in ('pow'));
