-- The public log: what was counted, as a tree of hashes that anyone can check (docs/verify.md).
set local lock_timeout = '2s';
-- A log has every vote of its poll, so one that has votes already gets none.
alter table poll add column log boolean not null default false;
update poll p set log = true
where not exists (select from choice_tally t where t.poll = p.slug)
  and not exists (select from vote_event v where v.poll = p.slug);
alter table poll alter column log set default true;

-- What is to be logged, written in the transaction that does it; removed by the one that has put it into the logs. What follows
-- from something else has the higher `id`.
create table log_queue (
  id bigint generated always as identity primary key,
  -- A status that votes have now, or what has happened to a poll: `poll` (it was made or edited), `close`, `final`, `reopen`,
  -- `tokens`.
  kind text not null,
  polls text[] not null,
  -- Of votes: what they say, where they are new; their ids; which of `polls` and `choices` each has, from 1, where these do not
  -- have one for each vote; their acceptance in ms, where they are new; and `n` of the votes with an idempotency key (keyProof),
  -- zeros for the others.
  choices text[],
  vote_ids uuid[],
  numbers int[],
  ms bigint[],
  proofs uuid[],
  -- Of a poll: what there is to say.
  payload jsonb,
  queued_at timestamptz not null default now()
);

-- Random ids do not get smaller by compressing them.
alter table log_queue
  alter column vote_ids set storage external,
  alter column numbers set storage external,
  alter column ms set storage external,
  alter column proofs set storage external;

-- The logs of polls: the first, and others after it where one had to begin anew (restart_log). They outlive their polls.
create table log (
  poll text collate "C" not null,
  number int not null,
  origin text not null,
  -- What votes are named by in the log.
  secret bytea not null,
  -- What hidden choices are opened by, where they are hidden.
  seed bytea,
  -- Whether the log has its end: the seed, and the final result.
  opened boolean not null default false,
  -- How many leaves there are, and the root of their tree.
  size bigint not null default 0,
  root bytea not null,
  -- Leaves that wait for others to be put in together with, a JSON array of lines of text.
  waiting jsonb not null default '[]',
  -- How many voters' tokens were made.
  tokens bigint not null default 0,
  begun_at timestamptz not null default clock_timestamp(),
  -- The last signed checkpoint, how many leaves it is of, and the keys that it can be checked with.
  signed_size bigint,
  vkeys text[] not null default '{}',
  checkpoint text,
  signed_at timestamptz,
  primary key (poll, number)
);

create index log_unsigned on log (poll, number) where signed_size is distinct from size;

-- The logs' tiles of 256 hashes (`level` from 0), and their leaves in bundles of 256 (`level` -1), as tlog-tiles has them. One that
-- is not full grows; a full bundle is compressed by gzip.
create table log_tile (
  poll text collate "C" not null,
  number int not null,
  level int not null,
  place bigint not null,
  data bytea not null,
  -- The acceptance of the first and last of a bundle's new votes, in ms: a vote is looked for in bundles of its time.
  from_ms bigint,
  to_ms bigint,
  primary key (poll, number, level, place)
);

alter table log_tile alter column data set storage external;

create index log_tile_time on log_tile (poll, number, to_ms, from_ms) where level = -1;

insert into log_queue (kind, polls) select 'poll', array[slug] from poll where log;

-- Votes come with another argument now (increment_vote, count_ballots).
drop function if exists increment_vote(uuid[], int[], text[], text[], bytea[], bigint[], bigint[], bigint[], boolean);
drop function if exists count_ballots(uuid[], text[], text[], bytea[], bigint[], bigint[], bigint[]);
