-- The polls, the newest first: the organiser's list reads those that it shows, and not all of them. Votes wait for a moment.
set local lock_timeout = '2s';
create index poll_newest on poll (created_at desc, slug);
