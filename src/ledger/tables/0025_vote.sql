-- A row of vote_event says what its vote was when it came, or when its poll was last decided over (settle_poll). Where a voter has one
-- vote, and another one counts by now, the former one's row is not written anew: that took a fifth of what a vote costs in a
-- `changeable` poll. The ballot says which vote counts, and here is how many votes of a choice have rows that say they do, and do not.
create table displaced (
  poll text collate "C" not null,
  choice text collate "C" not null,
  votes bigint not null,
  primary key (poll, choice)
);

-- Votes as they are. `recorded` is the status in the row.
create view vote as
select v.vote_id, v.poll, v.choice, v.voter, v.status as recorded,
  case when b.vote_id is null then v.status when p.ballot = 'once' then 'rejected' else 'superseded' end as status,
  case when b.vote_id is not null and p.ballot = 'once' then 'the voter has voted' else v.reason end as reason,
  v.accepted_ms, v.accepted_seq
from vote_event v
left join poll p on p.slug = v.poll and p.ballot <> 'open' and v.status = 'counted'
left join ballot b on b.voter = v.voter and b.poll = p.slug and b.vote_id <> v.vote_id;

-- Its arguments are others now.
drop function if exists count_ballots(
  int[], int[], uuid[], int[], bytea[], bigint[], bigint[], text[], text[], int[], bigint[], uuid, boolean[]
);
