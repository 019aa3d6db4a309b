import { consume } from "./drain.ts"
import { type Bench, type BenchContext, interleave, ratioRow, type Side, voteRows } from "./harness.ts"
import { type Backlog, makeBacklog } from "./support/backlog.ts"
import { type Counted, measureCounting } from "./support/counting.ts"
import { openDatabase } from "./support/database.ts"
import { insertRows } from "./support/rows.ts"
import { makeSite, type Site } from "./support/site.ts"

const sizes = (quick: boolean) =>
  quick ? { votes: 10_000, ledgers: [0, 1_000, 10_000] } : { votes: 200_000, ledgers: [0, 1_000_000, 10_000_000] }

/** So many rows are made by one statement. */
const atOnce = 1_000_000

/** A site whose ledger has rows, which each run gets a copy of. */
interface Ledger {
  readonly rows: number
  readonly site: Site
}

const makeLedger = async ({ env, progress }: BenchContext, rows: number): Promise<Ledger> => {
  const site = await makeSite(env)
  const database = openDatabase(site.env.DATABASE_URL)
  for (let made = 0; made < rows; made += atOnce) {
    await database.query(insertRows(Math.min(atOnce, rows - made)))
    progress(`making a ledger of ${rows.toLocaleString("en")} rows: ${Math.min(rows, made + atOnce)}`)
  }
  // Else PostgreSQL does it in the middle of a run.
  await database.query("vacuum (freeze, analyze) vote_event")
  await database.close()
  return { rows, site }
}

/** Fails unless the ledger's tally has so many votes. */
const checkTally = async (site: Site, votes: number): Promise<void> => {
  const database = openDatabase(site.env.DATABASE_URL)
  const [tally] = await database.query<{ votes: string }>("select sum(count)::text as votes from tally")
  await database.close()
  if (Number(tally?.votes) !== votes) throw new Error(`The tally has ${tally?.votes} votes, not ${votes}`)
}

const measure = async ({ env }: BenchContext, ledger: Ledger, backlog: Backlog, votes: number): Promise<Counted> => {
  const site = await makeSite(env, ledger.site.stream)
  try {
    await backlog.copyTo(site.stream)
    const counted = await measureCounting(site, consume, votes)
    await checkTally(site, ledger.rows + votes)
    return counted
  } finally {
    await site.close()
  }
}

export const growth: Bench = {
  name: "growth",
  about: "votes that wait in the stream, counted into ledgers of different sizes",
  run: async (context) => {
    const { ledgers, votes } = sizes(context.quick)
    const made: Array<Ledger> = []
    for (const rows of ledgers) made.push(await makeLedger(context, rows))
    // After the rows, since ids ascend with time.
    const backlog = await makeBacklog(context.env.REDIS_URL, votes)
    const sides = made.map(
      (ledger): Side<Counted> => ({
        name: `${ledger.rows.toLocaleString("en")} rows`,
        run: () => measure(context, ledger, backlog, votes)
      })
    )
    const taken = await interleave(context, sides, ({ rate }) => `${Math.round(rate)} votes/s`)
    await backlog.close()
    for (const { site } of made) await site.close()
    const [none = [], million = [], tenMillion = []] = taken.map((figures) => figures.map(({ rate }) => rate))
    return [
      ...voteRows(sides, taken),
      ratioRow("1 M rows / empty", million, none),
      ratioRow("10 M rows / empty", tenMillion, none, { atLeast: 0.9 })
    ]
  }
}
