-- The ledger: one row per counted, superseded, rejected or dead vote, and the tallies made from it.
-- Slugs and ids compare as bytes: what PostgreSQL sorts by must not change with its locale.

create table poll (
  slug text collate "C" primary key,
  title text not null,
  ballot text not null check (ballot in ('open', 'once', 'changeable')),
  revision bigint not null default 0,
  created_at timestamptz not null default now(),
  last_updated timestamptz not null default now()
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
create table vote_event (
  vote_id uuid primary key,
  poll text collate "C",
  option text collate "C",
  status text not null check (status in ('counted', 'superseded', 'rejected', 'dead')),
  reason text,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  cast_at timestamptz,
  recorded_at timestamptz not null default now()
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
