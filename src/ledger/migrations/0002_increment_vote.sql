-- Counts a batch of votes, given as arrays of the same length, in one transaction and exactly once each: what the
-- ledger already holds by `vote_id` changes nothing. Returns the votes it refused, by their place in the arrays (from 1),
-- with the reason; all others are in the ledger when it returns.
--
-- Locks are taken in one order whatever the order of the batch, so that two batches can't deadlock: the polls with a
-- ballot rule by slug, the votes by id, the other polls by slug. A poll's tallies change only under the lock on its row.
create function increment_vote(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[]
) returns table (place bigint, reason text)
language plpgsql as $$
#variable_conflict use_column
declare
  fresh bigint;
  held bigint := 0;
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
begin
  if exists (select from poll where slug = any (polls) and ballot <> 'open') then
    held := count_ballots(vote_ids, polls, options, voters, ms, seqs, cast_ms);
  end if;

  with entry as (
    -- The lowest entry id is a vote's acceptance, should the batch hold it twice.
    select distinct on (e.vote_id) e.*, out_of_time(p, e.ms) as late
    from unnest(vote_ids, polls, options, voters, ms, seqs, cast_ms) as e (vote_id, poll, option, voter, ms, seq, cast_ms)
    join poll p on p.slug = e.poll and p.ballot = 'open'
    join tally t on t.poll = e.poll and t.option = e.option
    order by e.vote_id, e.ms, e.seq
  ), inserted as (
    insert into vote_event (vote_id, poll, option, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select vote_id, poll, option, voter, case when late is null then 'counted' else 'rejected' end, late, ms, seq,
      to_timestamp(cast_ms / 1000.0)
    from entry
    on conflict (vote_id) do nothing
    returning poll, option, status
  ), delta as (
    select poll, option, count(*) filter (where status = 'counted') as votes, count(*) as entries
    from inserted group by poll, option
  )
  select coalesce(sum(entries), 0), array_agg(poll), array_agg(option), array_agg(votes)
  into fresh, delta_polls, delta_options, delta_counts
  from delta;

  if fresh > 0 then
    perform change_tallies(delta_polls, delta_options, delta_counts);
  end if;

  -- Only a batch with something else in it than new votes pays for finding out what.
  if fresh + held < cardinality(vote_ids) then
    perform record_duplicates(vote_ids, ms, seqs);
    return query
      select e.place, case
        when p.slug is null then 'unknown poll'
        when t.poll is null then 'unknown option'
        else 'the poll needs a voter'
      end
      from unnest(vote_ids, polls, options, voters) with ordinality as e (vote_id, poll, option, voter, place)
      left join poll p on p.slug = e.poll
      left join tally t on t.poll = e.poll and t.option = e.option
      where (t.poll is null or (p.ballot <> 'open' and e.voter is null))
        and not exists (select from vote_event v where v.vote_id = e.vote_id)
      order by e.place;
  end if;
end
$$;

-- Why a vote accepted at `ms` is out of the poll's time; null where it is not.
create function out_of_time(p poll, ms bigint) returns text
language sql immutable as $$
  select case when ms < p.opens_ms then 'the poll was not open yet' when ms >= p.closes_ms then 'the poll was closed' end
$$;

-- Adds to the tallies and raises the polls' revisions.
create function change_tallies(polls text[], options text[], counts bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from poll where slug = any (polls) order by slug for update;
  update poll set revision = revision + 1, last_updated = clock_timestamp() where slug = any (polls);
  update tally t
  set count = t.count + d.votes
  from unnest(polls, options, counts) as d (poll, option, votes)
  where t.poll = d.poll and t.option = d.option and d.votes <> 0;
end
$$;

-- The part of a batch that is in polls where a voter's first (`once`) or latest (`changeable`) vote counts, by
-- acceptance and whatever order batches come in. A vote that counted until now and no longer does is marked so, and
-- taken out of the tally. Returns how many new votes it brought into the ledger.
create function count_ballots(
  vote_ids uuid[], polls text[], options text[], voters bytea[], ms bigint[], seqs bigint[], cast_ms bigint[]
) returns bigint
language plpgsql as $$
#variable_conflict use_column
declare
  fresh bigint;
  delta_polls text[];
  delta_options text[];
  delta_counts bigint[];
begin
  -- Until the end of the transaction, nobody else decides over these polls' voters.
  perform 1 from poll where slug = any (polls) and ballot <> 'open' order by slug for update;

  with entry as (
    select distinct on (e.vote_id) e.*, p.ballot, out_of_time(p, e.ms) as late
    from unnest(vote_ids, polls, options, voters, ms, seqs, cast_ms) as e (vote_id, poll, option, voter, ms, seq, cast_ms)
    join poll p on p.slug = e.poll and p.ballot <> 'open'
    join tally t on t.poll = e.poll and t.option = e.option
    where e.voter is not null and not exists (select from vote_event v where v.vote_id = e.vote_id)
    order by e.vote_id, e.ms, e.seq
  ), candidate as (
    select poll, voter, vote_id, ms, seq from entry where late is null
    union all
    select poll, voter, vote_id, accepted_ms, accepted_seq
    from ballot where (poll, voter) in (select poll, voter from entry where late is null)
  ), winner as (
    select distinct on (c.poll, c.voter) c.*
    from candidate c join poll p on p.slug = c.poll
    order by c.poll, c.voter,
      case p.ballot when 'once' then c.ms else -c.ms end, case p.ballot when 'once' then c.seq else -c.seq end
  ), inserted as (
    insert into vote_event (vote_id, poll, option, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select e.vote_id, e.poll, e.option, e.voter,
      case
        when e.late is not null then 'rejected'
        when w.vote_id is not null then 'counted'
        when e.ballot = 'once' then 'rejected'
        else 'superseded'
      end,
      case when e.late is not null then e.late when w.vote_id is null and e.ballot = 'once' then 'the voter has voted' end,
      e.ms, e.seq, to_timestamp(e.cast_ms / 1000.0)
    from entry e
    left join winner w on w.vote_id = e.vote_id
    order by e.vote_id
    returning vote_id, poll, option, status
  ), displaced as (
    update vote_event v
    set status = case p.ballot when 'once' then 'rejected' else 'superseded' end,
      reason = case p.ballot when 'once' then 'the voter has voted' end
    from winner w
    join ballot b on b.poll = w.poll and b.voter = w.voter and b.vote_id <> w.vote_id
    join poll p on p.slug = w.poll
    where v.vote_id = b.vote_id
    returning v.poll, v.option
  ), seated as (
    insert into ballot (poll, voter, vote_id, accepted_ms, accepted_seq)
    select poll, voter, vote_id, ms, seq from winner order by poll, voter
    on conflict (poll, voter) do update
    set vote_id = excluded.vote_id, accepted_ms = excluded.accepted_ms, accepted_seq = excluded.accepted_seq
    where ballot.vote_id <> excluded.vote_id
  ), change as (
    select poll, option, 1 as votes from inserted where status = 'counted'
    union all
    select poll, option, -1 from displaced
  ), delta as (
    select poll, option, sum(votes) as votes from change group by poll, option
  )
  select (select count(*) from inserted), array_agg(poll), array_agg(option), array_agg(votes)
  into fresh, delta_polls, delta_options, delta_counts
  from delta;

  if delta_polls is not null then
    perform change_tallies(delta_polls, delta_options, delta_counts);
  end if;
  return fresh;
end
$$;

-- Records the entries whose vote the ledger holds under another entry. A vote's acceptance is the lowest of its
-- entries' ids, so an earlier one takes the ledger row's place and the later becomes the duplicate.
create function record_duplicates(vote_ids uuid[], ms bigint[], seqs bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  moved_polls text[];
begin
  with entry as (
    select distinct e.vote_id, e.ms, e.seq from unnest(vote_ids, ms, seqs) as e (vote_id, ms, seq)
  ), known as (
    select v.vote_id, v.accepted_ms, v.accepted_seq
    from vote_event v
    where v.vote_id in (select vote_id from entry)
    order by v.vote_id
    for update
  ), every as (
    select vote_id, ms, seq from entry where vote_id in (select vote_id from known)
    union
    select vote_id, accepted_ms, accepted_seq from known
  ), first as (
    select distinct on (vote_id) vote_id, ms, seq from every order by vote_id, ms, seq
  ), moved as (
    update vote_event v
    set accepted_ms = f.ms, accepted_seq = f.seq
    from first f
    where v.vote_id = f.vote_id and (v.accepted_ms, v.accepted_seq) <> (f.ms, f.seq)
    returning v.poll
  ), noted as (
    insert into duplicate_entry (vote_id, accepted_ms, accepted_seq)
    select e.vote_id, e.ms, e.seq
    from every e
    join first f on f.vote_id = e.vote_id
    where (e.ms, e.seq) <> (f.ms, f.seq)
    order by e.vote_id, e.ms, e.seq
    on conflict do nothing
  )
  select array_agg(distinct m.poll) into moved_polls
  from moved m
  join poll p on p.slug = m.poll
  where p.ballot <> 'open' or p.opens_ms is not null or p.closes_ms is not null;

  -- An earlier acceptance can decide otherwise about a voter, or about a vote at the closing time.
  if moved_polls is not null then
    perform settle_poll(slug) from unnest(moved_polls) as slug order by slug;
  end if;
end
$$;

-- Decides anew over all votes of a poll: which are in its time, which of each voter counts, and so its tally. Needed
-- when what they are decided by has changed after some were counted.
create function settle_poll(changed text) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from poll where slug = changed for update;

  with verdict as (
    select v.vote_id, out_of_time(p, v.accepted_ms) as late, p.ballot,
      row_number() over (
        partition by v.voter, out_of_time(p, v.accepted_ms) is null
        order by case p.ballot when 'changeable' then -v.accepted_ms else v.accepted_ms end,
          case p.ballot when 'changeable' then -v.accepted_seq else v.accepted_seq end
      ) as place
    from vote_event v join poll p on p.slug = v.poll
    where v.poll = changed and v.status <> 'dead'
  ), decided as (
    select vote_id,
      case
        when late is not null then 'rejected'
        when ballot = 'open' or place = 1 then 'counted'
        when ballot = 'once' then 'rejected'
        else 'superseded'
      end as status,
      case when late is not null then late when ballot = 'once' and place > 1 then 'the voter has voted' end as reason
    from verdict
  )
  update vote_event v
  set status = d.status, reason = d.reason
  from decided d
  where v.vote_id = d.vote_id and (v.status <> d.status or v.reason is distinct from d.reason);

  delete from ballot where poll = changed;
  insert into ballot (poll, voter, vote_id, accepted_ms, accepted_seq)
  select v.poll, v.voter, v.vote_id, v.accepted_ms, v.accepted_seq
  from vote_event v join poll p on p.slug = v.poll
  where v.poll = changed and v.status = 'counted' and p.ballot <> 'open';

  update tally t
  set count = (select count(*) from vote_event v where v.poll = t.poll and v.option = t.option and v.status = 'counted')
  where t.poll = changed;
  update poll set revision = revision + 1, last_updated = clock_timestamp() where slug = changed;
end
$$;

-- Closes a poll at a time of the stream's clock, in ms, unless it closes before; votes accepted from then on that were
-- counted meanwhile no longer count. Returns whether there is such a poll.
create function close_poll(closing text, at_ms bigint) returns boolean
language plpgsql as $$
begin
  update poll set closes_ms = at_ms
  where slug = closing and (closes_ms is null or closes_ms > at_ms);
  if found then
    perform settle_poll(closing);
    return true;
  end if;
  return exists (select from poll where slug = closing);
end
$$;

-- Buries one entry that can't be counted. A vote that the ledger already holds stays what it is, and the entry is
-- recorded as its duplicate. Returns whether it was buried.
create function bury_vote(
  id uuid, poll text, option text, ms bigint, seq bigint, reason text,
  stream text, entry_id text, deliveries bigint, fields bytea[]
) returns boolean
language plpgsql as $$
#variable_conflict use_variable
begin
  insert into vote_event (vote_id, poll, option, status, reason, accepted_ms, accepted_seq)
  values (id, poll, option, 'dead', reason, ms, seq)
  on conflict (vote_id) do nothing;
  if not found then
    perform record_duplicates(array[id], array[ms], array[seq]);
    return false;
  end if;
  insert into dead_letter (vote_id, stream, entry_id, deliveries, fields)
  values (id, stream, entry_id, deliveries, fields);
  return true;
end
$$;
