import { consume } from "./drain.ts"
import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
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
const makeLedger = async ({ env, progress }: BenchContext, rows: number): Promise<Site> => {
  const site = await makeSite(env)
  const database = openDatabase(site.env.DATABASE_URL)
  for (let made = 0; made < rows; made += atOnce) {
    await database.query(insertRows(Math.min(atOnce, rows - made)))
    progress(`making a ledger of ${rows.toLocaleString("en")} rows: ${Math.min(rows, made + atOnce)}`)
  }
  // Else PostgreSQL does it in the middle of a run.
  await database.query("vacuum (freeze, analyze) vote_event")
  await database.close()
  return site
}

const measure = async ({ env }: BenchContext, ledger: Site, backlog: Backlog, votes: number): Promise<Counted> => {
  const site = await makeSite(env, ledger.stream)
  try {
    await backlog.copyTo(site.stream)
    return await measureCounting(site, consume, votes)
  } finally {
    await site.close()
  }
}

export const growth: Bench = {
  name: "growth",
  about: "votes that wait in the stream, counted into ledgers of different sizes",
  run: async (context) => {
    const { ledgers, votes } = sizes(context.quick)
    const made: Array<Site> = []
    for (const rows of ledgers) made.push(await makeLedger(context, rows))
    // After the rows, since ids ascend with time.
    const backlog = await makeBacklog(context.env.REDIS_URL, votes)
    const sides = made.map((ledger, index): Side<Counted> => {
      const rows = ledgers[index] ?? 0
      return { name: `${rows.toLocaleString("en")} rows`, run: () => measure(context, ledger, backlog, votes) }
    })
    const taken = await interleave(context, sides, ({ rate }) => `${Math.round(rate)} votes/s`)
    await backlog.close()
    for (const ledger of made) await ledger.close()
    const [none = [], million = [], tenMillion = []] = taken.map((figures) => figures.map(({ rate }) => rate))
    return [
      ...sideRows(
        sides,
        taken,
        "votes/s",
        ({ rate }) => rate,
        ({ cpu }) => cpu
      ),
      ratioRow("1 M rows / empty", million, none),
      ratioRow("10 M rows / empty", tenMillion, none, { atLeast: 0.9 })
    ]
  }
}
