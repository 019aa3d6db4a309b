-- What an organiser does with a poll after it was made, and the record of it. Votes wait for a moment.
set local lock_timeout = '2s';
alter table poll
  -- Raised with each act of an organiser: who changes a poll says which version of it that is based on.
  add column version bigint not null default 1,
  -- Only its organiser sees a draft; it takes no votes.
  add column draft boolean not null default false,
  -- Whether anyone finds it in the list of polls.
  add column listed boolean not null default false,
  -- Whether it is gone from the lists. Its address stays.
  add column archived boolean not null default false,
  -- When what voters read was last changed after the first vote.
  add column edited_at timestamptz,
  -- Times between its opening and its closing in which it was closed, in ms since 1970 by the stream's clock: votes accepted
  -- then don't count.
  add column shut int8multirange;

update poll set listed = true where slug = 'cats-or-dogs';

-- Every act of an organiser. Rows are only ever added. Never has one anything of a voter.
create table admin_event (
  id bigint generated always as identity primary key,
  -- Without a reference: it outlives the poll.
  poll text collate "C" not null,
  at timestamptz not null default clock_timestamp(),
  who text not null,
  what text not null,
  -- The poll before and after, as its definition says it; null where there was or is none.
  before jsonb,
  after jsonb
);

create index admin_event_poll on admin_event (poll, id);
