-- The ledger, partitioned by range of `vote_id`: what there was becomes the first partition, as it is.
set local lock_timeout = '2s';
lock table vote_event in access exclusive mode;

-- Its rows go by dropping a partition; who writes a dead letter or takes it away does so with the row.
alter table dead_letter drop constraint dead_letter_vote_id_fkey;

alter table vote_event rename to vote_event_first;
alter index vote_event_pkey rename to vote_event_first_pkey;
alter index vote_event_voter rename to vote_event_first_voter;

create table vote_event (
  vote_id uuid primary key,
  poll text collate "C",
  option text collate "C",
  voter bytea,
  status text not null constraint vote_event_status_check check (status in ('counted', 'superseded', 'rejected', 'dead')),
  reason text,
  accepted_ms bigint not null,
  accepted_seq bigint not null,
  cast_at timestamptz,
  recorded_at timestamptz not null default now()
) partition by range (vote_id);

create index vote_event_voter on vote_event (poll, voter) where voter is not null;

-- Votes whose time has no partition: minted by a clock that was far ahead, or from before what the ledger keeps.
create table vote_event_other partition of vote_event default;

-- The partitions, but for that one. Times are those of the ids, in ms since 1970; one follows the other without a gap.
create table ledger_partition (
  name text primary key,
  from_ms bigint not null,
  to_ms bigint not null check (to_ms > from_ms),
  -- From when on nothing in it changes any more, and it may be dropped.
  closed_at timestamptz,
  dropped_at timestamptz,
  -- Rows that were added after it was closed: dead votes, which are its only ones that can.
  late bigint not null default 0
);

declare
  day constant bigint := 86400000;
  bound uuid := (
    select substring(pg_get_constraintdef(oid) from '[0-9a-f-]{36}')::uuid
    from pg_constraint where conname = 'vote_event_bound' and conrelid = 'vote_event_first'::regclass
  );
  bound_ms bigint;
begin
  if bound is null then
    bound_ms := (floor(extract(epoch from clock_timestamp()) * 1000 / day)::bigint + 3) * day;
    bound := vote_id_at(bound_ms);
    with ahead as (delete from vote_event_first where vote_id >= bound returning *)
    insert into vote_event_other select * from ahead;
  else
    bound_ms := vote_id_ms(bound);
  end if;
  -- The constraint proves what attaching would read all rows for.
  execute format('alter table vote_event attach partition vote_event_first for values from (minvalue) to (%L)', bound);
  alter table vote_event_first drop constraint if exists vote_event_bound;
  insert into ledger_partition (name, from_ms, to_ms) values ('vote_event_first', 0, bound_ms);
end;

-- Adds a partition for ids from the one time to the other, and moves there what the default partition has of them.
create function add_partition(from_ms bigint, to_ms bigint) returns text
language plpgsql as $$
declare
  name constant text := 'vote_event_' || to_char(to_timestamp(from_ms / 1000) at time zone 'utc', 'YYYYMMDD');
begin
  execute format('create table %I (like vote_event including all)', name);
  -- Votes wait for a moment: one that is on its way to the default partition would be refused by it afterwards.
  lock table only vote_event in share mode;
  lock table vote_event_other in access exclusive mode;
  execute format(
    'with moved as (delete from vote_event_other where vote_id >= %L and vote_id < %L returning *)
    insert into %I select * from moved',
    vote_id_at(from_ms), vote_id_at(to_ms), name
  );
  execute format(
    'alter table vote_event attach partition %I for values from (%L) to (%L)',
    name, vote_id_at(from_ms), vote_id_at(to_ms)
  );
  insert into ledger_partition (name, from_ms, to_ms) values (name, from_ms, to_ms);
  return name;
end
$$;

-- Adds the partitions that are wanted at a time, `width` ms each, for as long ahead and a week at least. Returns their
-- names; where another process is at it already, it does nothing.
create function extend_ledger(width bigint, now_ms bigint) returns setof text
language plpgsql as $$
declare
  covered bigint;
  present constant bigint := now_ms / width * width;
begin
  perform set_config('lock_timeout', '2s', true);
  if not pg_try_advisory_xact_lock(7461110) then
    return;
  end if;
  loop
    select max(to_ms) into covered from ledger_partition;
    exit when covered > now_ms + greatest(width, 7 * 86400000::bigint);
    -- One for all of a time in which nobody was there to add any.
    return next add_partition(covered, case when covered < present then present else (covered / width + 1) * width end);
  end loop;
end
$$;
