-- The ledger: one row per counted, superseded, rejected or dead vote, and the tallies made from these rows. Slugs and
-- option ids compare as bytes: the order that locks are taken in must not depend on the database's locale.

create table poll (
  slug text collate "C" primary key,
  title text not null,
  description text,
  ballot text not null check (ballot in ('open', 'once', 'changeable')),
  identity text not null default 'anyone' check (identity in ('anyone', 'browser', 'token', 'provider')),
  results text not null default 'live' check (results in ('live', 'after_vote', 'after_close')),
  -- By the stream's clock, in ms since 1970: a vote counts that was accepted at or after `opens_ms` and before
  -- `closes_ms`. A poll can be closed before it opens; then no vote counts.
  opens_ms bigint,
  closes_ms bigint,
  -- Raised with each change of the poll's tallies.
  revision bigint not null default 0,
  created_at timestamptz not null default now(),
  last_updated timestamptz not null default now(),
  -- Whether nothing can change the poll's result any more: it had closed before the horizon (ledger_horizon), and its
  -- ballots are gone.
  decided boolean not null default false,
  -- Where a voter has one vote, there have to be voters.
  check (ballot = 'open' or identity <> 'anyone')
);

-- How many votes count for each option: what the ledger's rows and its archive add up to.
create table tally (
  poll text collate "C" not null references poll (slug),
  option text collate "C" not null,
  label text not null,
  position int not null,
  count bigint not null default 0 check (count >= 0),
  primary key (poll, option)
);

-- One row per vote. `accepted_ms` and `accepted_seq` are its stream entry's id: Redis's clock, and a sequence within
-- that ms. `voter` is a keyed hash of who voted, where the poll has voters. `cast_at` is when an API took the vote,
-- by that API's clock; dead votes have none.
create table vote_event (
  vote_id uuid primary key,
  poll text collate "C",
  option text collate "C",
  voter bytea,
  status text not null check (status in ('counted', 'superseded', 'rejected', 'dead')),
  reason text,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  cast_at timestamptz,
  recorded_at timestamptz not null default now()
) partition by range (vote_id);

create index vote_event_voter on vote_event (poll, voter) where voter is not null;

-- Votes whose time has no partition: their ids are of a clock that was far ahead, or of a partition that was dropped.
create table vote_event_other partition of vote_event default;

-- The other partitions. Their times are those of the votes' ids, in ms since 1970; each begins where the one before
-- ends.
create table ledger_partition (
  name text primary key,
  from_ms bigint not null,
  to_ms bigint not null check (to_ms > from_ms),
  -- From then on nothing in it changes any more, and it may be dropped.
  closed_at timestamptz,
  dropped_at timestamptz,
  -- How many rows were added after that: only dead votes are.
  late bigint not null default 0
);

-- The first partition takes all votes until the end of the day after tomorrow (UTC): that gives consumers the time to
-- add the next ones (extend_ledger), and is soon over where votes are kept for days only. The bound is what
-- vote_id_at returns; functions come after tables.
do $$
declare
  day constant bigint := 86400000;
  bound_ms constant bigint := (floor(extract(epoch from clock_timestamp()) * 1000 / day)::bigint + 3) * day;
begin
  execute format(
    'create table vote_event_first partition of vote_event for values from (minvalue) to (%L)',
    (lpad(to_hex(bound_ms), 12, '0') || repeat('0', 20))::uuid
  );
  insert into ledger_partition (name, from_ms, to_ms) values ('vote_event_first', 0, bound_ms);
end
$$;

-- Which vote counts of each voter, in polls that are not `open`, with what that vote was for: its row may be dropped
-- before the voter changes it.
create table ballot (
  poll text collate "C" not null references poll (slug),
  voter bytea not null,
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  option text collate "C" not null,
  primary key (poll, voter)
);

-- Stream entries whose vote was already in the ledger under another entry: sent again, not counted again.
create table duplicate_entry (
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  recorded_at timestamptz not null default now(),
  primary key (vote_id, accepted_ms, accepted_seq)
);

-- What a dead vote's stream entry held, as it was: names and values in turn. It is written and removed together with
-- the vote's row, which a foreign key can't see to, since rows go by dropping partitions.
create table dead_letter (
  vote_id uuid primary key,
  stream text not null,
  entry_id text not null,
  deliveries bigint not null,
  fields bytea[] not null,
  recorded_at timestamptz not null default now()
);

-- What the ledger no longer holds vote by vote: how many votes dropped partitions had, and corrections of that. Rows
-- are only ever added; their sum is what counts. `status` is a vote's, or `duplicate` for entries of
-- `duplicate_entry`.
create table ledger_archive (
  poll text collate "C",
  option text collate "C",
  status text not null,
  votes bigint not null,
  booked_at timestamptz not null default now()
);

create index ledger_archive_poll on ledger_archive (poll);

-- The default poll, as src/domain/Poll.ts has it.
insert into poll (slug, title, ballot) values ('cats-or-dogs', 'Cats or dogs?', 'open');

insert into tally (poll, option, label, position)
values ('cats-or-dogs', 'cats', 'Cats', 0), ('cats-or-dogs', 'dogs', 'Dogs', 1);
