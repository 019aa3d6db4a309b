import { consume } from "./drain.ts"
import { type Bench, type BenchContext, interleave, type Row, ratioRow, type Side, voteRows } from "./harness.ts"
import { votesOf } from "./load/load.ts"
import { makeBacklog } from "./support/backlog.ts"
import { type Counted, measureCounting } from "./support/counting.ts"
import { checkTotal, makeManyPolls, slugOf } from "./support/manyPolls.ts"
import { kill } from "./support/processes.ts"
import { makeSite, type Site } from "./support/site.ts"
import { api, type Figures, measure, type Server, show, startServer } from "./support/taking.ts"

const names = ["one poll", "1,000 of 10,000 polls"] as const

const sizes = ({ quick, votes }: BenchContext) =>
  quick ? { polls: 100, votedIn: 10, votes: 2_000 } : { polls: 10_000, votedIn: 1_000, votes: votes ?? 500_000 }

const target = { atLeast: 0.7 }

/** Votes that wait, in one poll and in many in turn, brought into the ledger. */
const runDrain = async (context: BenchContext, all: Site): Promise<ReadonlyArray<Row>> => {
  const { votedIn, votes } = sizes(context)
  context.progress(`making ${votes.toLocaleString("en")} votes, twice`)
  const one = await makeBacklog(context.env.REDIS_URL, votes)
  const many = await makeBacklog(context.env.REDIS_URL, votes, undefined, (n) => slugOf(n % votedIn))
  const drained =
    (backlog: typeof one, from?: string): Side<Counted>["run"] =>
    async () => {
      const site = await makeSite(context.env, from)
      try {
        await backlog.copyTo(site.stream)
        const counted = await measureCounting(site, consume, votes)
        await checkTotal(site, votes)
        return counted
      } finally {
        await site.close()
      }
    }
  const sides: ReadonlyArray<Side<Counted>> = [
    { name: `counted: ${names[0]}`, run: drained(one) },
    { name: `counted: ${names[1]}`, run: drained(many, all.stream) }
  ]
  const taken = await interleave(context, sides, ({ rate }) => `${Math.round(rate)} votes/s`)
  await one.close()
  await many.close()
  const [rates = [], manyRates = []] = taken.map((figures) => figures.map(({ rate }) => rate))
  return [...voteRows(sides, taken), ratioRow("counted: many / one", manyRates, rates, target)]
}

/** Votes taken by an API that knows one poll, and by one that knows many. */
const runIngest = async (context: BenchContext, all: Site): Promise<ReadonlyArray<Row>> => {
  const { votedIn } = sizes(context)
  const servers: Array<Server> = []
  try {
    const start = async (made?: Site) => {
      const server = await startServer(context, api, {}, made)
      servers.push(server)
      return server
    }
    const [one, many] = [await start(), await start(await makeSite(context.env, all.stream))]
    const voted = Array.from({ length: votedIn }, (_, n) => votesOf(slugOf(n), [""])).flat()
    const sides: ReadonlyArray<Side<Figures>> = [
      { name: `taken: ${names[0]}`, run: () => measure(context, one, votesOf("cats-or-dogs", ["", ""])) },
      { name: `taken: ${names[1]}`, run: () => measure(context, many, voted) }
    ]
    const taken = await interleave(context, sides, show)
    const [rates = [], manyRates = []] = taken.map((figures) => figures.map(({ rate }) => rate))
    return [...voteRows(sides, taken), ratioRow("taken: many / one", manyRates, rates, target)]
  } finally {
    for (const { program, site } of servers) {
      await kill(program)
      await site.close()
    }
  }
}

export const many: Bench = {
  name: "many",
  about: "votes in 1,000 of 10,000 open polls, beside as many in one poll",
  run: async (context) => {
    const all = await makeManyPolls(context.env, sizes(context).polls)
    try {
      return [...(await runIngest(context, all)), ...(await runDrain(context, all))]
    } finally {
      await all.close()
    }
  }
}
