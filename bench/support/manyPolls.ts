import type { Env } from "../harness.ts"
import { openDatabase } from "./database.ts"
import { makeSite, type Site } from "./site.ts"

/** The slug of poll `n` of many, from 0. */
export const slugOf = (n: number): string => `poll-${n}`

/** Makes a site with so many open polls, which all see; each for `cats` and `dogs`, as the default poll is. */
export const makeManyPolls = async (env: Env, count: number): Promise<Site> => {
  const site = await makeSite(env)
  const database = openDatabase(site.env.DATABASE_URL)
  const statements = [
    `insert into poll (slug, title, description, ballot, listed)
      select 'poll-' || n, 'Question ' || n, 'What this poll is about, in a sentence or two.', 'open', true
      from generate_series(0, ${count - 1}) n`,
    `insert into tally (poll, option, label, position)
      select 'poll-' || n, option, initcap(option), place
      from generate_series(0, ${count - 1}) n, unnest('{cats,dogs}'::text[]) with ordinality as t (option, place)`,
    "vacuum (freeze, analyze) poll, tally"
  ]
  for (const statement of statements) await database.query(statement)
  await database.close()
  return site
}

/** Fails where the tallies of all polls together are not so many votes. */
export const checkTotal = async (site: Site, votes: number): Promise<void> => {
  const database = openDatabase(site.env.DATABASE_URL)
  const [row] = await database.query<{ sum: string }>("select sum(count)::text as sum from tally")
  await database.close()
  if (Number(row?.sum) !== votes) throw new Error(`${row?.sum} votes are counted, not ${votes}`)
}
