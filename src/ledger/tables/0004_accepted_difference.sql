-- Differences between the stream's books and the ledger's that someone has looked into and accepted: what was lost, or what
-- the ledger holds more than a Redis that was emptied or restored. Rows are only ever added; an audit counts them as
-- accounted for.
create table accepted_difference (
  id bigint generated always as identity primary key,
  recorded_at timestamptz not null default clock_timestamp(),
  recorded_by text not null,
  reason text not null,
  -- How many entries were nowhere; negative where the ledger held more than the stream ever took.
  missing bigint not null,
  -- The end of the stream's books when it was found, as an entry's id.
  cut_ms bigint not null,
  cut_seq bigint not null,
  -- Of the missing entries, those that could be named; of the ones accepted before, those that the ledger held after all. Both
  -- are lists of {stream, entry_id, vote_id}.
  missing_entries jsonb not null,
  found_entries jsonb not null
);
