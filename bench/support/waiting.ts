import type { BenchContext } from "../harness.ts"
import { type Backlog, makeBacklog } from "./backlog.ts"
import { type Database, openDatabase } from "./database.ts"
import { makeSite, type Site } from "./site.ts"
import { type Variant, voterSql } from "./variants.ts"

/** The poll, in a ledger that has the schema; the default poll is there already. */
const makePoll = async (database: Database, variant: Variant): Promise<void> => {
  const { ballot, kind, logged, options, slug } = variant
  if (slug === "cats-or-dogs") {
    await database.query(`update poll set log = ${logged}`)
    await database.query("delete from log_queue")
    return
  }
  const more = Object.entries({ ...variant.rules, log: String(logged) })
  await database.query(`insert into poll (slug, title, ballot, kind${more.map(([column]) => `, ${column}`).join("")})
    values ('${slug}', '${slug}', '${ballot}', '${kind}'${more.map(([, value]) => `, ${value}`).join("")})`)
  await database.query(`insert into tally (poll, option, label, position)
    select '${slug}', option, option, place
    from unnest('{${options.join(",")}}'::text[]) with ordinality as t (option, place)`)
}

/** The status of vote `n` in SQL, once all votes that wait are counted. */
const statusSql = ({ ballot, voted }: Variant): string => {
  if (ballot === "changeable") {
    return "case when n = max(n) over (partition by voter) then 'counted' else 'superseded' end"
  }
  return voted ? "'rejected'" : "'counted'"
}

/** The options that a choice gives a vote to, in SQL. */
const namedSql = ({ kind }: Variant): string =>
  kind === "ranked" ? "split_part(choice, '>', 1)" : "string_to_table(choice, '+')"

/** Which of the votes that wait: those from `from` to before `to`; earlier ones are below 0. */
interface Some {
  readonly from: number
  readonly to: number
}

/** The ledger's rows of some of the votes that wait, with ballots and tallies, by one statement and from no stream. */
const insertSome = (variant: Variant, { from, to }: Some): string => `
  with vote as not materialized (
    select * from waiting where n >= ${from} and n < ${to}
  ), event as (
    insert into vote_event (vote_id, poll, choice, voter, status, reason, accepted_ms, accepted_seq, cast_at)
    select vote_id, '${variant.slug}', choice, voter, status,
      case status when 'rejected' then 'the voter has voted' end, ms, seq, to_timestamp(ms / 1000.0)
    from vote
  ), seat as (
    insert into ballot (poll, voter, vote_id, choice, accepted_ms, accepted_seq)
    select '${variant.slug}', voter, vote_id, choice, ms, seq from vote where status = 'counted' and voter is not null
  ), delta as (
    select choice, count(*) as votes from vote where status = 'counted' group by choice
  ), by_choice as (
    insert into choice_tally (poll, choice, count) select '${variant.slug}', choice, votes from delta
    on conflict (poll, choice) do update set count = choice_tally.count + excluded.count
  )
  update tally set count = tally.count + d.votes
  from (
    select option, sum(votes) as votes from (select ${namedSql(variant)} as option, votes from delta) named group by option
  ) d
  where tally.poll = '${variant.slug}' and tally.option = d.option`

/** Votes that wait: in a stream, and as rows, in a ledger which has their poll. */
export interface Waiting {
  readonly variant: Variant
  readonly votes: number
  /** Puts the votes into a stream. */
  readonly copyTo: Backlog["copyTo"]
  /** A site like this one, whose ledger is a copy. */
  readonly makeSite: () => Promise<Site>
  /** PostgreSQL makes the rows itself, so many by each statement, which is a transaction. */
  readonly insertAll: (database: Database, atOnce: number) => Promise<void>
  /** Fails where a ledger does not hold what it has to when all that waits is counted. */
  readonly check: (database: Database) => Promise<void>
  readonly close: () => Promise<void>
}

/** Makes the ledger, with a table `waiting`: what it will hold of the votes that wait, and of those that it holds already. */
const makeLedger = async (site: Site, variant: Variant, votes: number): Promise<void> => {
  const database = openDatabase(site.env.DATABASE_URL)
  await makePoll(database, variant)
  await database.query(`create unlogged table waiting as
    select uuidv7() as vote_id, n, choice, voter, ms, seq, ${statusSql(variant)} as status
    from (
      select n, ${variant.choice[1]} as choice, ${voterSql(variant)} as voter, 1700000000000 + n / 10 as ms, n % 10 as seq
      from generate_series(0, ${votes - 1}) n
    ) vote
    order by n`)
  if (variant.voted) {
    await database.query(`insert into waiting
      select uuidv7(), n - ${votes}, choice, voter, ms - 1000000, seq, 'counted' from waiting order by n`)
  }
  await database.query("alter table waiting add primary key (n)")
  await database.query(insertSome(variant, { from: -votes, to: 0 }))
  // Else PostgreSQL does it in the middle of a run.
  await database.query("vacuum (freeze, analyze) vote_event, ballot, tally, choice_tally, waiting")
  await database.close()
}

export const makeWaiting = async ({ env }: BenchContext, variant: Variant, votes: number): Promise<Waiting> => {
  const ledger = await makeSite(env)
  await makeLedger(ledger, variant, votes)
  const backlog = await makeBacklog(env.REDIS_URL, votes, variant)
  return {
    variant,
    votes,
    copyTo: backlog.copyTo,
    makeSite: () => makeSite(env, ledger.stream),
    insertAll: async (database, atOnce) => {
      for (let from = 0; from < votes; from += atOnce) {
        await database.query(insertSome(variant, { from, to: Math.min(votes, from + atOnce) }))
      }
    },
    check: (database) => checkCounted(database, variant),
    close: async () => {
      await backlog.close()
      await ledger.close()
    }
  }
}

/** Fails where the ledger does not hold just what `waiting` says, vote by vote in the order of their acceptance. */
const checkCounted = async (database: Database, variant: Variant): Promise<void> => {
  const { slug } = variant
  const amiss = await database.query<{ what: string; held: string | null; due: string | null }>(`
    with numbered as (
      select *, row_number() over (order by n) - 1 as place from waiting
    ), event as (
      select *, row_number() over (order by accepted_ms, accepted_seq) - 1 as place from vote where poll = '${slug}'
    ), counted as (
      select choice, count(*) as votes from waiting where status = 'counted' group by choice
    ), held (what, value) as (
      select 'vote ' || place, concat_ws(' ', status, choice, voter) from event
      union all select concat('ballot ', v.voter), v.place::text from ballot b join event v using (poll, vote_id, voter, choice)
      union all select 'option ' || option, count::text from tally where poll = '${slug}' and count > 0
      union all select 'choice ' || choice, count::text from choice_tally where poll = '${slug}' and count > 0
    ), due (what, value) as (
      select 'vote ' || place, concat_ws(' ', status, choice, voter) from numbered
      union all select concat('ballot ', voter), place::text from numbered where status = 'counted' and voter is not null
      union all
      select 'option ' || option, sum(votes)::text
      from (select ${namedSql(variant)} as option, votes from counted) n group by option
      union all select 'choice ' || choice, votes::text from counted
    )
    select what, held.value as held, due.value as due
    from held full join due using (what) where held.value is distinct from due.value limit 5`)
  if (amiss.length === 0) return
  const found = amiss.map(({ due, held, what }) => `${what}: ${held}, not ${due}`)
  throw new Error(`The ledger of ${variant.name} is wrong: ${found.join("; ")}`)
}
