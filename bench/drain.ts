import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { type Backlog, makeBacklog } from "./support/backlog.ts"
import { type Counted, measureCounting } from "./support/counting.ts"
import { cpuEach } from "./support/cpu.ts"
import { openDatabase } from "./support/database.ts"
import { type Command, installedPeer } from "./support/peers.ts"
import { tallykeep } from "./support/processes.ts"
import { insertRows } from "./support/rows.ts"
import { makeSite, serversCpu } from "./support/site.ts"

const sizes = (quick: boolean, rounds: number) =>
  // One at a time takes so long that its votes are shared out over the rounds; it is as fast at the end as at first.
  quick ? { all: 10_000, one: 100 } : { all: 500_000, one: Math.ceil(20_000 / rounds) }

export const consume: ReadonlyArray<string> = [process.execPath, ...tallykeep, "--role=consumer"]

/** PostgreSQL makes the rows itself, so many by each statement, which is a transaction. */
const measureAlone = async ({ env }: BenchContext, votes: number, atOnce: number): Promise<Counted> => {
  const site = await makeSite(env)
  const serversTake = await serversCpu(site)
  const database = openDatabase(site.env.DATABASE_URL)
  try {
    await database.query("select 1")
    const before = serversTake()
    const start = performance.now()
    for (let made = 0; made < votes; made += atOnce) await database.query(insertRows(atOnce))
    const rate = (votes * 1000) / (performance.now() - start)
    return { rate, cpu: cpuEach(before, serversTake(), votes) }
  } finally {
    await database.close()
    await site.close()
  }
}

const measure = async ({ env }: BenchContext, backlog: Backlog, command: ReadonlyArray<string>, votes: number) => {
  const site = await makeSite(env)
  try {
    await backlog.copyTo(site.stream)
    return await measureCounting(site, command, votes)
  } finally {
    await site.close()
  }
}

export const drain: Bench = {
  name: "drain",
  about: "votes that wait in the stream, brought into PostgreSQL by one consumer",
  run: async (context) => {
    const { all, one } = sizes(context.quick, context.rounds)
    const backlog = await makeBacklog(context.env.REDIS_URL, all)
    const side = (name: string, command: Command, votes: number): Side<Counted> => ({
      name,
      run: "skipped" in command ? command : () => measure(context, backlog, command, votes)
    })
    const sides = [
      side("tallykeep", consume, all),
      side("node-postgres, batches", installedPeer(context, "drain-batches.mjs"), all),
      side("one vote a transaction", installedPeer(context, "drain-one.mjs"), one),
      side("one vote a statement", installedPeer(context, "drain-one.mjs", "--one-statement"), one),
      { name: "PostgreSQL alone", run: () => measureAlone(context, all, all) },
      { name: "PostgreSQL alone, by the thousand", run: () => measureAlone(context, all, 1_000) }
    ]
    const taken = await interleave(
      context,
      sides,
      ({ cpu, rate }) =>
        `${Math.round(rate)} votes/s, µs each: ${Object.entries(cpu).map(([of, each]) => `${of} ${each.toFixed(1)}`)}`
    )
    await backlog.close()
    const rates = taken.map((figures) => figures.map(({ rate }) => rate))
    const [ours = [], batches = [], transactions = [], statements = [], alone = [], byThousand = []] = rates
    return [
      ...sideRows(
        sides,
        taken,
        "votes/s",
        ({ rate }) => rate,
        ({ cpu }) => cpu
      ),
      ratioRow("tallykeep / one vote a transaction", ours, transactions, { atLeast: 120 }),
      ratioRow("tallykeep / one vote a statement", ours, statements),
      ratioRow("tallykeep / node-postgres, batches", ours, batches, { atLeast: 1 }),
      ratioRow("tallykeep / PostgreSQL alone", ours, alone, { atLeast: 0.75 }),
      ratioRow("tallykeep / PostgreSQL, by the thousand", ours, byThousand)
    ]
  }
}
