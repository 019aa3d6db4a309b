import { setTimeout as sleep } from "node:timers/promises"
import { type Bench, type BenchContext, figureRow, interleave, median, ratioRow } from "./harness.ts"
import { runLoad } from "./load/load.ts"
import { residentOf } from "./support/cpu.ts"
import { type Database, openDatabase } from "./support/database.ts"
import {
  kill,
  type Launched,
  launchNode,
  portOf,
  production,
  tallykeep,
  until,
  untilReady
} from "./support/processes.ts"
import { distinctRankings, insertRankedPoll, options } from "./support/rankings.ts"
import { makeSite } from "./support/site.ts"

const poll = "rounds"
const methods = ["irv", "stv", "condorcet"] as const
type Method = (typeof methods)[number]

const sizes = ({ quick }: BenchContext) =>
  quick ? { ballots: 2_000, seconds: 0.5, rate: 100 } : { ballots: 1_000_000, seconds: 10, rate: 500 }

interface Figures {
  /** From when they were due until they were stored, in s. */
  readonly rounds: Readonly<Record<Method, number>>
  /** How much more memory the consumer had meanwhile, at most, in MB. */
  readonly memory: number
  /** How long a vote's answer took, at the 99th percentile, in ms: without a tabulation, and with one after the other. */
  readonly without: number
  readonly meanwhile: number
}

/** Votes in the poll, as a browser sends them. */
const votes = options.map((first, index) => {
  const body = JSON.stringify({ ranking: [first, options[(index + 3) % options.length]] })
  return (
    `POST /api/polls/${poll}/votes HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\nAccept: */*\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
})

/** Has the poll tabulated when `due` says. */
const setDue = (database: Database, due: "infinity" | "-infinity") =>
  database.query(`update tabulation set due_at = '${due}' where poll = '${poll}' and due_at <> '${due}'`)

const madeAt = async (database: Database): Promise<string | undefined> => {
  const [row] = await database.query<{ made: string }>(
    `select made_at::text as made from tabulation where poll = '${poll}' and revision > 0`
  )
  return row?.made
}

/** Runs `work` while the poll is tabulated again and again. */
const tabulatingAllTheTime = async <A>(database: Database, work: () => Promise<A>): Promise<A> => {
  let over = false
  const again = (async () => {
    for (; !over; await sleep(50)) await setDue(database, "-infinity")
    await setDue(database, "infinity")
  })()
  return work().finally(async () => {
    over = true
    await again
  })
}

/** Has the poll's rounds made by a method, and returns how long that took, in s. */
const timeRounds = async (database: Database, method: Method): Promise<number> => {
  const before = await madeAt(database)
  await database.query(
    `update poll set method = '${method}', seats = ${method === "stv" ? 3 : 1}, revision = revision + 1 where slug = '${poll}'`
  )
  const start = performance.now()
  await setDue(database, "-infinity")
  await until(async () => (await madeAt(database)) !== before)
  const took = (performance.now() - start) / 1000
  await setDue(database, "infinity")
  return took
}

/** Looks how much memory a process has at most, in MB, until it is asked. */
const watchMemory = ({ pid }: Launched) => {
  let most = residentOf(pid)
  const timer = setInterval(() => {
    most = Math.max(most, residentOf(pid))
  }, 50)
  return (): number => {
    clearInterval(timer)
    return most
  }
}

const measure = async (context: BenchContext): Promise<Figures> => {
  const { ballots, rate, seconds } = sizes(context)
  const site = await makeSite(context.env)
  const database = openDatabase(site.env.DATABASE_URL)
  await insertRankedPoll(database, poll, distinctRankings(ballots))
  const settings = { ...site.env, ...production, PORT: "0" }
  const consumer = await launchNode([...tallykeep, "--role=consumer"], settings, /Counting votes/)
  const before = residentOf(consumer.pid)
  const most = watchMemory(consumer)
  const api = await launchNode([...tallykeep, "--role=api"], settings)
  const load = { port: portOf(api), connections: 16, requests: votes, expected: 201, rate, lasts: seconds * 1000 }
  const vote = async () => (await runLoad({ ...load, warmUp: context.quick ? 20 : 1_000 }, () => undefined)).p99
  try {
    await untilReady(portOf(api))
    await until(async () => (await madeAt(database)) !== undefined)
    await setDue(database, "infinity")
    const rounds = {
      irv: await timeRounds(database, "irv"),
      condorcet: await timeRounds(database, "condorcet"),
      stv: await timeRounds(database, "stv")
    }
    const memory = most() - before
    // What is compiled and cached with the first votes is not what is asked about.
    await vote()
    // Before and after, since a machine's speed changes.
    const first = await vote()
    const meanwhile = await tabulatingAllTheTime(database, vote)
    const without = median([first, await vote()])
    return { rounds, memory, without, meanwhile }
  } finally {
    most()
    await database.close()
    await Promise.all([kill(api), kill(consumer)])
    await site.close()
  }
}

export const rounds: Bench = {
  name: "rounds",
  about: "the rounds of a ranked poll of 1,000,000 ballots, all distinct, and what they cost the votes that come in",
  run: async (context) => {
    const { ballots, rate } = sizes(context)
    const [taken = []] = await interleave(
      context,
      [{ name: "tallykeep", run: () => measure(context) }],
      ({ meanwhile, memory, rounds, without }) =>
        `${methods.map((method) => `${method} ${rounds[method].toFixed(1)} s`).join(", ")}, ${memory.toFixed(0)} MB, ` +
        `votes ${without.toFixed(1)} and ${meanwhile.toFixed(1)} ms`
    )
    const of = `${ballots.toLocaleString("en")} ballots: `
    const p99 = `vote p99 at ${rate} votes/s`
    const figures = (figure: "memory" | "without" | "meanwhile") => taken.map((round) => round[figure])
    return [
      ...methods.map((method) =>
        figureRow(
          `${of}rounds, ${method}`,
          "s",
          taken.map(({ rounds }) => rounds[method]),
          { target: { atMost: 10 } }
        )
      ),
      figureRow(`${of}memory of the consumer, more than before`, "MB", figures("memory")),
      figureRow(`${p99}, without a tabulation`, "ms", figures("without")),
      figureRow(`${p99}, with one after the other`, "ms", figures("meanwhile")),
      ratioRow(`${p99}, with / without`, figures("meanwhile"), figures("without"), { atMost: 1.5 })
    ]
  }
}
