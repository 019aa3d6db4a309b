-- Decides anew over the votes of a poll: which were accepted in its time, which one of each voter counts, and so its
-- tallies. It is called when something that decides over votes has changed after some were counted: the closing time,
-- or a vote's acceptance. Of votes below the horizon only those have a say that count for their voters (ballot); the
-- others stay what they are. Where nothing can change the poll's result any more (poll.decided) it does nothing.
-- Takes the poll's slug.
--
-- Locks: vote_event (hold_horizon), the poll, then those of its votes that change.
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

  -- `was` and `because` are a vote's status and reason so far, `kept` whether the ledger keeps its row from the
  -- horizon on.
  with vote as (
    select vote_id, voter, choice, accepted_ms, accepted_seq, status as was, reason as because, true as kept
    from vote_event where poll = changed and status <> 'dead' and vote_id >= oldest
    union all
    select vote_id, voter, choice, accepted_ms, accepted_seq, 'counted', null, false
    from ballot where poll = changed and vote_id < oldest and settled.ballot <> 'open'
  ), verdict as (
    select v.*, out_of_time(settled, v.accepted_ms) as late,
      row_number() over (
        partition by v.voter, out_of_time(settled, v.accepted_ms) is null
        order by case settled.ballot when 'changeable' then -v.accepted_ms else v.accepted_ms end,
          case settled.ballot when 'changeable' then -v.accepted_seq else v.accepted_seq end
      ) as place
    from vote v
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
    delete from ballot b using different d where not d.kept and b.poll = changed and b.voter = d.voter
  ), delta as (
    select choice, sum(case status when 'counted' then 1 else 0 end - case was when 'counted' then 1 else 0 end) as votes
    from different group by choice
  )
  select array_agg(choice), array_agg(votes) into delta_choices, delta_counts from delta;

  if settled.ballot <> 'open' then
    delete from ballot where poll = changed and vote_id >= oldest;
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select poll, voter, vote_id, choice, accepted_ms, accepted_seq
    from vote_event where poll = changed and status = 'counted' and vote_id >= oldest;
  end if;

  -- Also where no count has changed, for the poll's revision: viewers are to see that it was closed.
  perform change_tallies(array_fill(changed, array[cardinality(o.choices)]), o.choices, o.counts)
  from (select coalesce(delta_choices, array[null::text]) as choices, coalesce(delta_counts, array[0::bigint]) as counts) o;
end
$$;
