-- What was taken over from the original, the system that tallykeep replaces: one row, or none. Its votes by option are in
-- ledger_archive, with the status `imported`.
create table original (
  single boolean primary key default true check (single),
  -- Where its counts were: the database and the table.
  source text not null,
  -- How many of the stream's entries it had counted: the ledger has none of them.
  entries bigint not null,
  imported_at timestamptz not null default clock_timestamp()
);
