import {
  type Bench,
  type BenchContext,
  figureRow,
  interleave,
  type Row,
  ratioRow,
  type Side,
  voteRows
} from "./harness.ts"
import { type Counted, measureCounting } from "./support/counting.ts"
import { cpuEach } from "./support/cpu.ts"
import { type Database, openDatabase } from "./support/database.ts"
import { type Command, installedPeer } from "./support/peers.ts"
import { tallykeep } from "./support/processes.ts"
import { type Site, serversCpu } from "./support/site.ts"
import { type Variant, variants } from "./support/variants.ts"
import { makeWaiting, type Waiting } from "./support/waiting.ts"

const sizes = ({ quick, rounds, votes }: BenchContext) =>
  // One at a time takes so long that its votes are shared out over the rounds; it is as fast at the end as at first.
  quick ? { all: 2_000, one: 100 } : { all: votes ?? 500_000, one: Math.ceil(20_000 / rounds) }

export const consume: ReadonlyArray<string> = [process.execPath, ...tallykeep, "--role=consumer"]

/** Measures on a ledger of its own, and fails unless this then holds what it should. */
const measure = async (
  waiting: Waiting,
  count: (site: Site, database: Database) => Promise<Counted>
): Promise<Counted> => {
  const site = await waiting.makeSite()
  const database = openDatabase(site.env.DATABASE_URL)
  try {
    const counted = await count(site, database)
    await waiting.check(database)
    return counted
  } finally {
    await database.close()
    await site.close()
  }
}

/** A program that counts. */
const program = (name: string, waiting: Waiting, command: Command): Side<Counted> => ({
  name,
  run:
    "skipped" in command
      ? command
      : () =>
          measure(waiting, async (site, database) => {
            await waiting.copyTo(site.stream)
            if (!waiting.variant.logged) return measureCounting(site, command, waiting.votes)
            const signing = { ...site, env: { ...site.env, ...logSettings } }
            return measureCounting(signing, command, waiting.votes, { done: () => isLogged(database, waiting) })
          })
})

const logSettings = { LOG_KEY: Buffer.alloc(32, "what signs this").toString("base64"), LOG_ORIGIN: "logs.test" }

/** Whether all votes are in the public log, after the leaf that is the poll. */
const isLogged = async (database: Database, { variant: { slug }, votes }: Waiting): Promise<boolean> => {
  const [log] = await database.query<{ size: string }>(`select size::text from log where poll = '${slug}'`)
  return Number(log?.size) === votes + 1
}

/** PostgreSQL alone: makes the rows itself, so many a transaction. */
const alone = (name: string, waiting: Waiting, atOnce: number): Side<Counted> => ({
  name,
  run: () =>
    measure(waiting, async (site, database) => {
      const serversTake = await serversCpu(site)
      await database.query("select 1")
      const before = serversTake()
      const start = performance.now()
      await waiting.insertAll(database, atOnce)
      const rate = (waiting.votes * 1000) / (performance.now() - start)
      return { rate, cpu: cpuEach(before, serversTake(), waiting.votes), later: 0 }
    })
})

/** What is measured of each variant. The node-postgres program is faster with five thousand votes a statement at `open`. */
const besides = (context: BenchContext, waiting: Waiting): ReadonlyArray<Side<Counted>> => {
  const { ballot, logged, name } = waiting.variant
  if (logged) return [program(`${name}: tallykeep`, waiting, consume)]
  const atOnce = name === "open" ? "5000" : "1000"
  return [
    program(`${name}: tallykeep`, waiting, consume),
    program(`${name}: node-postgres, batches`, waiting, installedPeer(context, "drain-batches.mjs", atOnce, ballot)),
    alone(`${name}: PostgreSQL alone`, waiting, waiting.votes)
  ]
}

/** What is measured of `open` besides: one vote after the other, and PostgreSQL in smaller transactions. */
const besidesOpen = (context: BenchContext, all: Waiting, one: Waiting): ReadonlyArray<Side<Counted>> => [
  program("open: one vote a transaction", one, installedPeer(context, "drain-one.mjs")),
  program("open: one vote a statement", one, installedPeer(context, "drain-one.mjs", "--one-statement")),
  alone("open: PostgreSQL alone, by the thousand", all, 1_000)
]

/** What a quick run shows to work: the variants that have the least in common. */
const inQuick: ReadonlyArray<string> = ["open", "ranked"]

const chosenOf = ({ only, quick }: BenchContext): ReadonlyArray<Variant> => {
  const names = only.length === 0 && quick ? inQuick : only
  return names.length === 0 ? variants : variants.filter(({ name }) => names.includes(name))
}

type FiguresOf = (side: string) => ReadonlyArray<Counted>

const ratios = (figuresOf: FiguresOf, { logged, name, target }: Variant, votes: number): ReadonlyArray<Row> => {
  const rateOf = (side: string) => figuresOf(side).map(({ rate }) => rate)
  const ours = rateOf(`${name}: tallykeep`)
  const ratio = (other: string, atLeast?: number) =>
    ratioRow(
      `${name}: tallykeep / ${other}`,
      ours,
      rateOf(`${name}: ${other}`),
      atLeast === undefined ? undefined : { atLeast }
    )
  return [
    ...(name === "open"
      ? [
          ratio("one vote a transaction", 120),
          ratio("one vote a statement"),
          ratio("PostgreSQL alone, by the thousand")
        ]
      : [ratioRow(`${name}: tallykeep / open: tallykeep`, ours, rateOf("open: tallykeep"), { atLeast: target })]),
    ...(logged
      ? logging(name, figuresOf, votes)
      : [ratio("node-postgres, batches", 1.5), ratio("PostgreSQL alone", 0.75)])
  ]
}

/** What is measured of a public log besides: how fast votes came into it, and how long after they were counted they were there. */
const logging = (name: string, figuresOf: FiguresOf, votes: number): ReadonlyArray<Row> => {
  const ours = figuresOf(`${name}: tallykeep`)
  const rates = ours.map(({ later, rate }) => votes / (votes / rate + later / 1_000))
  return [
    figureRow(`${name}: into the log`, "votes/s", rates, { target: { atLeast: 50_000 } }),
    figureRow(
      `${name}: from the last counted to all logged`,
      "ms",
      ours.map(({ later }) => later),
      {
        target: { atMost: 2_000 }
      }
    )
  ]
}

export const drain: Bench = {
  name: "drain",
  about: "votes that wait in the stream, brought into PostgreSQL by one consumer",
  run: async (context) => {
    const { all, one } = sizes(context)
    const [open] = variants
    const chosen = chosenOf(context)
    // What the others are compared with is measured whatever was chosen.
    const made: Array<Waiting> = []
    const wait = async (variant: Variant, votes: number) => {
      context.progress(`making ${votes.toLocaleString("en")} votes of ${variant.name}`)
      const waiting = await makeWaiting(context, variant, votes)
      made.push(waiting)
      return waiting
    }
    const sides: Array<Side<Counted>> = []
    if (!chosen.includes(open)) sides.push(program("open: tallykeep", await wait(open, all), consume))
    for (const variant of chosen) {
      const waiting = await wait(variant, all)
      sides.push(...besides(context, waiting))
      if (variant === open) sides.push(...besidesOpen(context, waiting, await wait(open, one)))
    }
    const taken = await interleave(
      context,
      sides,
      ({ cpu, rate }) =>
        `${Math.round(rate)} votes/s, µs each: ${Object.entries(cpu).map(([of, each]) => `${of} ${each.toFixed(1)}`)}`
    )
    for (const waiting of made) await waiting.close()
    const figuresOf: FiguresOf = (side) => taken[sides.findIndex(({ name }) => name === side)] ?? []
    return [...voteRows(sides, taken), ...chosen.flatMap((variant) => ratios(figuresOf, variant, all))]
  }
}
