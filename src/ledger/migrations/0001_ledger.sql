-- The ledger: one row per counted, superseded, rejected or dead vote, and the tallies made from it.
-- Slugs and ids compare as bytes: what PostgreSQL sorts by must not change with its locale.

create table poll (
  slug text collate "C" primary key,
  title text not null,
  description text,
  ballot text not null check (ballot in ('open', 'once', 'changeable')),
  identity text not null default 'anyone' check (identity in ('anyone', 'browser', 'token')),
  results text not null default 'live' check (results in ('live', 'after_vote', 'after_close')),
  -- By the stream's clock, in ms since 1970: votes accepted from the one on and before the other count. A poll can be
  -- closed before it opens; then none does.
  opens_ms bigint,
  closes_ms bigint,
  revision bigint not null default 0,
  created_at timestamptz not null default now(),
  last_updated timestamptz not null default now(),
  -- Who may vote once has to be someone.
  check (ballot = 'open' or identity <> 'anyone')
);

create table tally (
  poll text collate "C" not null references poll (slug),
  option text collate "C" not null,
  label text not null,
  position int not null,
  count bigint not null default 0 check (count >= 0),
  primary key (poll, option)
);

-- `accepted_ms` and `accepted_seq` are the stream entry's id: Redis's clock and a sequence within that ms.
-- `voter` is a keyed hash of who voted, where the poll asks for that.
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
);

create index vote_event_voter on vote_event (poll, voter) where voter is not null;

-- The vote that counts of each voter, in polls where not each vote does.
create table ballot (
  poll text collate "C" not null references poll (slug),
  voter bytea not null,
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  primary key (poll, voter)
);

-- Stream entries whose vote was already in the ledger under another entry: re-sent, not counted again.
create table duplicate_entry (
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  recorded_at timestamptz not null default now(),
  primary key (vote_id, accepted_ms, accepted_seq)
);

-- What a dead vote's stream entry held, as it was: names and values in turn.
create table dead_letter (
  vote_id uuid primary key references vote_event (vote_id),
  stream text not null,
  entry_id text not null,
  deliveries bigint not null,
  fields bytea[] not null,
  recorded_at timestamptz not null default now()
);

insert into poll (slug, title, ballot) values ('cats-or-dogs', 'Cats or dogs?', 'open');

insert into tally (poll, option, label, position)
values ('cats-or-dogs', 'cats', 'Cats', 0), ('cats-or-dogs', 'dogs', 'Dogs', 1);
