/** Ledger rows and their tallies by one statement and from no stream: what PostgreSQL takes for itself. */
export const insertRows = (rows: number): string => `
  with inserted as (
    insert into vote_event (vote_id, poll, choice, status, accepted_ms, accepted_seq, cast_at)
    select uuidv7(), 'cats-or-dogs', case n % 2 when 0 then 'cats' else 'dogs' end, 'counted', 1700000000000 + n / 10,
      n % 10, to_timestamp((1700000000000 + n / 10) / 1000.0)
    from generate_series(1, ${rows}) n
    returning poll, choice
  ), delta as (
    select poll, choice as option, count(*) as votes from inserted group by poll, choice
  )
  update tally set count = tally.count + delta.votes
  from delta where tally.poll = delta.poll and tally.option = delta.option`
