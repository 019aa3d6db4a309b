-- What a vote says is a choice: one string, which names options as the poll's kind has it. Votes wait for a moment.
set local lock_timeout = '2s';
lock table vote_event in access exclusive mode;
lock table poll in access exclusive mode;

alter table poll
  add column kind text not null default 'single' check (kind in ('single', 'multiple', 'score', 'points', 'ranked')),
  -- How many options a vote names (multiple, ranked) or within what bounds it rates them (score).
  add column min int,
  add column max int,
  -- Whether a vote rates every option (score).
  add column every boolean,
  -- How many points a vote gives at most, and whether it gives no fewer (points).
  add column budget int,
  add column spend_all boolean,
  -- How the winners are found, how many there are, and how a tie is broken on the way (ranked).
  add column method text check (method in ('irv', 'stv', 'condorcet')),
  add column seats int,
  add column tie_break text check (tie_break in ('previous_rounds', 'draw')),
  -- What a draw's order comes from: random, made with the poll, shown when its result is final (ranked).
  add column tie_seed bytea check (length(tie_seed) = 32),
  -- Whether a vote may say nothing, which is the choice '-'.
  add column abstain boolean not null default false,
  add check ((kind = 'ranked') = (tie_seed is not null));

alter table vote_event rename column option to choice;
alter table ballot rename column option to choice;
alter table ledger_archive rename column option to choice;

-- How many votes count for each choice that a vote made: what the ledger's rows and its archive add up to. The tallies by
-- option follow from it (change_tallies).
create table choice_tally (
  poll text collate "C" not null references poll (slug),
  choice text collate "C" not null,
  count bigint not null default 0 check (count >= 0),
  primary key (poll, choice)
);

insert into choice_tally (poll, choice, count) select poll, option, count from tally where count > 0;

-- In `tally`, `count` is of the votes that name an option (single, multiple), rate it (score), give it points (points) or put
-- it first (ranked). `sum` is what they give it in scores or points.
alter table tally add column sum bigint not null default 0;

-- How many votes count with each score of an option.
create table score_tally (
  poll text collate "C" not null references poll (slug),
  option text collate "C" not null,
  score int not null,
  count bigint not null default 0 check (count >= 0),
  primary key (poll, option, score)
);

-- Their arguments are named after choices now.
drop function if exists increment_vote(uuid[], int[], text[], text[], bytea[], bigint[], bigint[], bigint[], boolean);
drop function if exists count_ballots(uuid[], text[], text[], bytea[], bigint[], bigint[], bigint[]);
drop function if exists bury_votes(uuid[], text[], text[], bigint[], bigint[], text[], text[], text[], bigint[], int[], bytea[]);
drop function if exists change_tallies(text[], text[], bigint[]);
