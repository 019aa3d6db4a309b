-- What a new database holds: read from PostgreSQL, and held to src/ledger/tables and src/ledger/functions by
-- schema.test.ts. What each is for is said there.

create table accepted_difference (
  id bigint not null,
  recorded_at timestamp with time zone not null default clock_timestamp(),
  recorded_by text not null,
  reason text not null,
  missing bigint not null,
  cut_ms bigint not null,
  cut_seq bigint not null,
  missing_entries jsonb not null,
  found_entries jsonb not null,
  constraint accepted_difference_pkey primary key (id)
);

create table admin_event (
  id bigint not null,
  poll text collate "C" not null,
  at timestamp with time zone not null default clock_timestamp(),
  who text not null,
  what text not null,
  before jsonb,
  after jsonb,
  constraint admin_event_pkey primary key (id)
);
create index admin_event_poll on admin_event using btree (poll, id);

create table ballot (
  poll text collate "C" not null,
  voter bytea not null,
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  choice text collate "C" not null,
  constraint ballot_pkey primary key (voter, poll)
);

create table choice_tally (
  poll text collate "C" not null,
  choice text collate "C" not null,
  count bigint not null default 0,
  constraint choice_tally_count_check check ((count >= 0)),
  constraint choice_tally_pkey primary key (poll, choice)
) with (fillfactor=90);

create table dead_letter (
  vote_id uuid not null,
  stream text not null,
  entry_id text not null,
  deliveries bigint not null,
  fields bytea[] not null,
  recorded_at timestamp with time zone not null default now(),
  constraint dead_letter_pkey primary key (vote_id)
);

create table displaced (
  poll text collate "C" not null,
  choice text collate "C" not null,
  votes bigint not null,
  constraint displaced_pkey primary key (poll, choice)
);

create table duplicate_entry (
  vote_id uuid not null,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  recorded_at timestamp with time zone not null default now(),
  constraint duplicate_entry_pkey primary key (vote_id, accepted_ms, accepted_seq)
);

create table ledger_archive (
  poll text collate "C",
  choice text collate "C",
  status text not null,
  votes bigint not null,
  booked_at timestamp with time zone not null default now()
);
create index ledger_archive_poll on ledger_archive using btree (poll);

create table ledger_partition (
  name text not null,
  from_ms bigint not null,
  to_ms bigint not null,
  closed_at timestamp with time zone,
  dropped_at timestamp with time zone,
  late bigint not null default 0,
  constraint ledger_partition_check check ((to_ms > from_ms)),
  constraint ledger_partition_pkey primary key (name)
);

create table log (
  poll text collate "C" not null,
  number integer not null,
  origin text not null,
  secret bytea not null,
  seed bytea,
  opened boolean not null default false,
  size bigint not null default 0,
  root bytea not null,
  waiting jsonb not null default '[]'::jsonb,
  tokens bigint not null default 0,
  begun_at timestamp with time zone not null default clock_timestamp(),
  signed_size bigint,
  vkeys text[] not null default '{}'::text[],
  checkpoint text,
  signed_at timestamp with time zone,
  constraint log_pkey primary key (poll, number)
);
create index log_unsigned on log using btree (poll, number) where (signed_size is distinct from size);

create table log_queue (
  id bigint not null,
  kind text not null,
  polls text[] not null,
  choices text[],
  vote_ids uuid[],
  numbers integer[],
  proofs uuid[],
  payload jsonb,
  queued_at timestamp with time zone not null default now(),
  constraint log_queue_pkey primary key (id)
);

create table log_tile (
  poll text collate "C" not null,
  number integer not null,
  level integer not null,
  place bigint not null,
  data bytea not null,
  from_ms bigint,
  to_ms bigint,
  constraint log_tile_pkey primary key (poll, number, level, place)
);
create index log_tile_time on log_tile using btree (poll, number, to_ms, from_ms) where (level = '-1'::integer);

create table original (
  single boolean not null default true,
  source text not null,
  entries bigint not null,
  imported_at timestamp with time zone not null default clock_timestamp(),
  constraint original_pkey primary key (single),
  constraint original_single_check check (single)
);

create table poll (
  slug text collate "C" not null,
  title text not null,
  description text,
  ballot text not null,
  identity text not null default 'anyone'::text,
  results text not null default 'live'::text,
  opens_ms bigint,
  closes_ms bigint,
  revision bigint not null default 0,
  created_at timestamp with time zone not null default now(),
  last_updated timestamp with time zone not null default now(),
  decided boolean not null default false,
  challenge text,
  kind text not null default 'single'::text,
  min integer,
  max integer,
  every boolean,
  budget integer,
  spend_all boolean,
  method text,
  seats integer,
  tie_break text,
  tie_seed bytea,
  abstain boolean not null default false,
  final_at timestamp with time zone,
  changed_after_final timestamp with time zone,
  ballots bigint not null default 0,
  version bigint not null default 1,
  draft boolean not null default false,
  listed boolean not null default false,
  archived boolean not null default false,
  edited_at timestamp with time zone,
  shut int8multirange,
  log boolean not null default true,
  constraint poll_ballot_check check ((ballot = any (array['open'::text, 'once'::text, 'changeable'::text]))),
  constraint poll_ballots_check check ((ballots >= 0)),
  constraint poll_challenge_check check ((challenge = 'pow'::text)),
  constraint poll_check check (((ballot = 'open'::text) or (identity <> 'anyone'::text))),
  constraint poll_check1 check (((kind = 'ranked'::text) = (tie_seed is not null))),
  constraint poll_identity_check check ((identity = any (array['anyone'::text, 'browser'::text, 'token'::text, 'provider'::text]))),
  constraint poll_kind_check check ((kind = any (array['single'::text, 'multiple'::text, 'score'::text, 'points'::text, 'ranked'::text]))),
  constraint poll_method_check check ((method = any (array['irv'::text, 'stv'::text, 'condorcet'::text]))),
  constraint poll_pkey primary key (slug),
  constraint poll_results_check check ((results = any (array['live'::text, 'after_vote'::text, 'after_close'::text]))),
  constraint poll_tie_break_check check ((tie_break = any (array['previous_rounds'::text, 'draw'::text]))),
  constraint poll_tie_seed_check check ((length(tie_seed) = 32))
) with (fillfactor=75);
create index poll_newest on poll using btree (created_at desc, slug);
create index poll_not_final on poll using btree (closes_ms) where ((final_at is null) and (closes_ms is not null));
create index poll_ranked on poll using btree (slug) where (kind = 'ranked'::text);

create table score_tally (
  poll text collate "C" not null,
  option text collate "C" not null,
  score integer not null,
  count bigint not null default 0,
  constraint score_tally_count_check check ((count >= 0)),
  constraint score_tally_pkey primary key (poll, option, score),
  constraint score_tally_poll_fkey foreign key (poll) references poll(slug)
);

create table tabulation (
  poll text collate "C" not null,
  revision bigint not null default 0,
  result text,
  made_at timestamp with time zone,
  due_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  holder uuid,
  held_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint tabulation_check check (((revision = 0) = (result is null))),
  constraint tabulation_pkey primary key (poll),
  constraint tabulation_poll_fkey foreign key (poll) references poll(slug)
);

create table tally (
  poll text collate "C" not null,
  option text collate "C" not null,
  label text not null,
  "position" integer not null,
  count bigint not null default 0,
  sum bigint not null default 0,
  final_count bigint,
  final_sum bigint,
  constraint tally_count_check check ((count >= 0)),
  constraint tally_pkey primary key (poll, option),
  constraint tally_poll_fkey foreign key (poll) references poll(slug)
) with (fillfactor=75);

create table tallykeep_schema (
  version integer not null,
  step integer not null,
  since timestamp with time zone not null default now()
);

create table vote_event (
  vote_id uuid not null,
  poll text collate "C",
  choice text collate "C",
  voter bytea,
  status text not null,
  reason text,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  cast_at timestamp with time zone,
  recorded_at timestamp with time zone not null default now(),
  constraint vote_event_pkey primary key (vote_id),
  constraint vote_event_status_check check ((status = any (array['counted'::text, 'superseded'::text, 'rejected'::text, 'dead'::text])))
) partition by range (vote_id);

create table vote_event_first partition of vote_event for values from (minvalue) to (<a day>);
create table vote_event_other partition of vote_event default;

-- view vote(vote_id uuid, poll text, choice text, voter bytea, recorded text, status text, reason text, accepted_ms bigint, accepted_seq bigint)
-- function add_partition(from_ms bigint, to_ms bigint) returns text
-- function bury_votes(ids uuid[], polls text[], choices text[], ms bigint[], seqs bigint[], reasons text[], streams text[], entry_ids text[], deliveries bigint[], field_counts integer[], fields bytea[]) returns setof bigint
-- function change_scores(polls text[], counts bigint[], part_numbers bigint[], part_options text[], part_values integer[]) returns void
-- function change_tallies(polls text[], choices text[], counts bigint[], part_numbers bigint[] default null::bigint[], part_options text[] default null::text[], part_values integer[] default null::integer[]) returns void
-- function choice_parts(polls text[], choices text[]) returns table(number bigint, poll text, kind text, option text, value integer)
-- function claim_tabulation(claimant uuid, seconds double precision) returns text
-- function close_partitions(before_ms bigint) returns table(name text)
-- function close_poll(closing text, at_ms bigint) returns boolean
-- function count_ballots(best integer[], fates integer[], vote_ids uuid[], numbers integer[], voters bytea[], ms bigint[], seqs bigint[], polls text[], choices text[], signs integer[], firsts bigint[], logs boolean[], out lost integer[], out won integer[], out left_polls text[], out left_choices text[], out left_votes bigint[]) returns record
-- function delete_poll(deleting text) returns void
-- function drop_partition(which text) returns bigint
-- function expect_fates(vote_ids uuid[], numbers integer[], voters bytea[], ms bigint[], seqs bigint[], oldest uuid, rules text[], opens bigint[], closes bigint[], shuts int8multirange[], signs integer[], firsts bigint[], judging boolean, voted boolean, out fates integer[], out best integer[]) returns record
-- function extend_ledger(width bigint, now_ms bigint) returns setof text
-- function finish_poll(finishing text, counted_ms bigint) returns boolean
-- function hold_horizon() returns bigint
-- function increment_vote(vote_ids uuid[], numbers integer[], polls text[], choices text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[], summary boolean default false, proofs uuid[] default null::uuid[]) returns table(place bigint, reason text, poll text, status text, votes bigint)
-- function ledger_epoch() returns text
-- function ledger_horizon() returns bigint
-- function lock_polls(slugs text[]) returns void
-- function log_append(changed text, happened text, said jsonb default null::jsonb) returns void
-- function log_batch(fates integer[], signs integer[], logs boolean[], vote_ids uuid[], numbers integer[], polls text[], choices text[], proofs uuid[]) returns void
-- function log_fates(status text, vote_ids uuid[], polls text[]) returns void
-- function log_result(finished text) returns void
-- function log_votes(status text, places integer[], vote_ids uuid[], numbers integer[], polls text[], choices text[], proofs uuid[]) returns void
-- function out_of_time(p poll, ms bigint) returns text
-- function read_tally(wanted text) returns json
-- function record_duplicates(vote_ids uuid[], ms bigint[], seqs bigint[]) returns void
-- function refused_votes(vote_ids uuid[], numbers integer[], voters bytea[], polls text[], valid boolean[]) returns table(place bigint, reason text)
-- function restart_log(restarting text, new_origin text, new_secret bytea, empty_root bytea, former text, former_size bigint, given_up integer default null::integer) returns integer
-- function settle_moved(slugs text[], rules text[], opens bigint[], closes bigint[], shuts int8multirange[], polls text[], numbers integer[], ms bigint[]) returns void
-- function settle_poll(changed text) returns void
-- function shut_times(shut int8multirange) returns json
-- function sweep_ledger(before_ms bigint) returns void
-- function vote_id_at(ms bigint) returns uuid
-- function vote_id_ms(id uuid) returns bigint
