-- What a ranked poll's ballots came to when its tally was at a revision, and which consumer makes it anew at present.
create table tabulation (
  poll text collate "C" primary key references poll (slug),
  -- The poll's revision that `result` is of; 0 until there is one.
  revision bigint not null default 0,
  -- As JSON (src/domain/tabulation/Tabulation.ts).
  result text,
  made_at timestamptz,
  -- From when on it may be made anew. A poll that is final does not wait for it.
  due_at timestamptz not null default '-infinity',
  -- Whoever makes it now, and until when nobody else does.
  holder uuid,
  held_until timestamptz not null default '-infinity',
  check ((revision = 0) = (result is null))
);

create index poll_ranked on poll (slug) where kind = 'ranked';

-- How many votes count, whatever they say: what the tallies of the poll's choices add up to (change_tallies).
set local lock_timeout = '2s';
alter table poll add column ballots bigint not null default 0 check (ballots >= 0);

update poll p
set ballots = (select coalesce(sum(count), 0) from choice_tally where poll = p.slug);
