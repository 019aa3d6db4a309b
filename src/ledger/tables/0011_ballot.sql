-- In every poll that has voters, a ballot says who has voted; of an `open` poll it is the first vote of a voter that was counted.
-- Its row and a choice's tally are made where their poll is locked: with a foreign key, PostgreSQL looks the poll up for each.
insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
select distinct on (v.poll, v.voter) v.poll, v.voter, v.vote_id, v.choice, v.accepted_ms, v.accepted_seq
from vote_event v join poll p on p.slug = v.poll
where p.ballot = 'open' and v.voter is not null and v.status = 'counted'
order by v.poll, v.voter, v.accepted_ms, v.accepted_seq
on conflict do nothing;

-- Votes wait for a moment.
set local lock_timeout = '2s';
drop index vote_event_voter;
alter table ballot drop constraint ballot_poll_fkey, drop constraint ballot_pkey, add primary key (voter, poll);
alter table choice_tally drop constraint choice_tally_poll_fkey;

-- Their arguments are others now, or they are gone.
drop function if exists count_ballots(uuid[], text[], text[], bytea[], bigint[], bigint[], bigint[]);
drop function if exists change_tallies(text[], text[], bigint[]);
drop function if exists valid_choices(text[], text[]);
drop function if exists option_votes(text[], text[], bigint[]);
drop function if exists choice_parts(text[], text[]);
