-- Decides anew over the votes of a poll: which were accepted in its time, which one of each voter counts, and so its
-- tallies. It is called when something that decides over votes has changed after some were counted: the closing time,
-- or a vote's acceptance. Of votes below the horizon only those have a say that count for their voters (ballot); the
-- others stay what they are. Where nothing can change the poll's result any more (poll.decided) it does nothing.
-- Takes the poll's slug.
--
-- Locks: vote_event (hold_horizon), the poll, then those of its votes and ballots that change.
create or replace function settle_poll(changed text) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  -- Rows below it stay what they are.
  oldest constant uuid := vote_id_at(hold_horizon());
  settled poll;
  delta_choices text[];
  delta_counts bigint[];
begin
  select * into settled from poll where slug = changed for update;
  if settled.decided then
    return;
  end if;

  -- `was` and `because` are a vote's status and reason so far, `recorded` the status in its row, `kept` whether the ledger keeps that
  -- from the horizon on.
  with known as (
    select vote_id, voter, choice, accepted_ms, accepted_seq, status as was, reason as because, recorded, true as kept
    from vote where poll = changed and status <> 'dead' and vote_id >= oldest
    union all
    select vote_id, voter, choice, accepted_ms, accepted_seq, 'counted', null, 'counted', false
    from ballot where poll = changed and vote_id < oldest and settled.ballot <> 'open'
  ), verdict as (
    select k.*, out_of_time(settled, k.accepted_ms) as late,
      row_number() over (
        partition by k.voter, out_of_time(settled, k.accepted_ms) is null
        order by case settled.ballot when 'changeable' then -k.accepted_ms else k.accepted_ms end,
          case settled.ballot when 'changeable' then -k.accepted_seq else k.accepted_seq end
      ) as place
    from known k
  ), decided as (
    select v.*,
      case
        when late is not null then 'rejected'
        when settled.ballot = 'open' or place = 1 then 'counted'
        when settled.ballot = 'once' then 'rejected'
        else 'superseded'
      end as status,
      case
        when late is not null then late
        when settled.ballot = 'once' and place > 1 then 'the voter has voted'
      end as reason
    from verdict v
  ), different as (
    select * from decided where status <> was or (kept and reason is distinct from because)
  ), updated as (
    update vote_event v
    set status = d.status, reason = d.reason
    from different d
    where d.kept and v.vote_id = d.vote_id
  ), told as (
    -- Their rows say it again.
    update displaced s set votes = s.votes - d.votes
    from (select choice, count(*) as votes from different where was <> recorded group by choice) d
    where s.poll = changed and s.choice = d.choice
  ), booked as (
    insert into ledger_archive (poll, choice, status, votes)
    select changed, d.choice, c.status, sum(c.votes)
    from different d cross join lateral (values ('counted', -1), (d.status, 1)) as c (status, votes)
    where not d.kept
    group by d.choice, c.status
  ), logged as (
    insert into log_queue (kind, polls, vote_ids)
    select d.status, array[changed], array_agg(d.vote_id) from different d where settled.log and d.status <> d.was group by d.status
  ), unseated as (
    delete from ballot b
    using (select voter from decided group by voter having bool_or(was = 'counted') and not bool_or(status = 'counted')) d
    where settled.ballot <> 'open' and b.poll = changed and b.voter = d.voter
  ), seated as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select changed, d.voter, d.vote_id, d.choice, d.accepted_ms, d.accepted_seq
    from decided d
    left join ballot b on b.voter = d.voter and b.poll = changed
    where settled.ballot <> 'open' and d.status = 'counted'
      and (b.vote_id, b.accepted_ms, b.accepted_seq) is distinct from (d.vote_id, d.accepted_ms, d.accepted_seq)
    on conflict (voter, poll) do update
    set vote_id = excluded.vote_id, choice = excluded.choice, accepted_ms = excluded.accepted_ms, accepted_seq = excluded.accepted_seq
  ), delta as (
    select choice, sum(case status when 'counted' then 1 else 0 end - case was when 'counted' then 1 else 0 end) as votes
    from different group by choice
  )
  select array_agg(choice), array_agg(votes) into delta_choices, delta_counts from delta;

  -- Also where no count has changed, for the poll's revision: viewers are to see that it was closed.
  perform change_tallies(array_fill(changed, array[cardinality(o.choices)]), o.choices, o.counts)
  from (select coalesce(delta_choices, array[null::text]) as choices, coalesce(delta_counts, array[0::bigint]) as counts) o;
end
$$;
