import type { Database } from "./database.ts"

/** Ids, in the poll's order. */
export const options: ReadonlyArray<string> = [..."abcdefghij"]

/** How many of them each ballot ranks. */
const ranks = 8

/** How many such rankings there are. */
const all = Array.from({ length: ranks }, (_, rank) => options.length - rank).reduce((a, b) => a * b)

/** A prime that goes through all rankings, far apart ones after each other. */
const stride = 1_000_003

/** Returns so many rankings, as choices, no two of which are the same. */
export const distinctRankings = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => {
    let number = (index * stride) % all
    const left = [...options]
    const ranked: Array<string> = []
    while (ranked.length < ranks) {
      ranked.push(...left.splice(number % left.length, 1))
      number = Math.floor(number / (left.length + 1))
    }
    return ranked.join(">")
  })

/** How many of them one statement inserts. */
const atOnce = 50_000

/** Makes an open ranked poll with one counted ballot for each ranking: its tallies, without rows in the ledger. */
export const insertRankedPoll = async (
  database: Database,
  slug: string,
  rankings: ReadonlyArray<string>
): Promise<void> => {
  await database.query(`
    insert into poll (slug, title, ballot, identity, results, kind, max, method, seats, tie_break, tie_seed)
    values ('${slug}', 'A poll', 'open', 'anyone', 'live', 'ranked', ${options.length}, 'irv', 1, 'previous_rounds',
      decode(repeat('07', 32), 'hex'))`)
  await database.query(`
    insert into tally (poll, option, label, position)
    select '${slug}', id, id, place from unnest('{${options.join(",")}}'::text[]) with ordinality as o (id, place)`)
  for (let from = 0; from < rankings.length; from += atOnce) {
    const some = rankings.slice(from, from + atOnce).join(",")
    await database.query(`
      insert into choice_tally (poll, choice, count) select '${slug}', choice, 1 from unnest('{${some}}'::text[]) choice`)
  }
  await database.query(`
    update tally t set count = c.votes
    from (select split_part(choice, '>', 1) as option, count(*) as votes from choice_tally where poll = '${slug}' group by 1) c
    where t.poll = '${slug}' and t.option = c.option`)
  await database.query(`update poll set ballots = ${rankings.length}, revision = 1 where slug = '${slug}'`)
  // Else PostgreSQL does it in the middle of a run.
  await database.query("vacuum (freeze, analyze) choice_tally")
}
