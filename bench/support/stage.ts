import { setTimeout as sleep } from "node:timers/promises"
import type { BenchContext } from "../harness.ts"
import { type Answered, runLoad, votes } from "../load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import { type Database, openDatabase } from "./database.ts"
import { type Followed, follow, type Share } from "./delays.ts"
import { watchTally } from "./events.ts"
import { checkRunning, kill, launchNode, portOf, production, tallykeep, until, untilReady } from "./processes.ts"
import { makeSite, type Site, serversCpu } from "./site.ts"
import { watchCommits } from "./visibility.ts"

const connections = 64

/** What a load came to, end to end. */
export interface Played extends Answered, Followed {
  /** Accepted a second. */
  readonly rate: number
  /** Votes that waited to be counted when it ended. */
  readonly backlog: number
  readonly cpu: Cpu
}

/** An API and a consumer that run. */
export interface Stage {
  /** Sends votes at `rate` a second, or as fast as they are answered, for `seconds`; waits until all are counted. */
  play(rate: number | undefined, seconds: number): Promise<Played>
  /** The CPU time that each takes in a second without votes and viewers, as a part of that. */
  idle(seconds: number): Promise<Cpu>
  close(): Promise<void>
}

/** The programs that play, each with the arguments for Node that start it. */
export interface Cast {
  readonly api: ReadonlyArray<string>
  readonly consumer: ReadonlyArray<string>
  /** What the consumer says when it counts. */
  readonly counting: RegExp
  /** Whether there is a viewer of the live results. */
  readonly viewed: boolean
}

const ours: Cast = {
  api: [...tallykeep, "--role=api"],
  consumer: [...tallykeep, "--role=consumer"],
  counting: /Counting votes/,
  viewed: true
}

const nobody = { sent: [], stop: () => {} }

const entriesAdded = async ({ redis, stream }: Site): Promise<number> => {
  const info = (await redis.xinfo("STREAM", stream)) as ReadonlyArray<unknown>
  return Number(info[info.indexOf("entries-added") + 1])
}

const countedIn = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ sum: string }>("select sum(count)::text as sum from tally")
  return Number(row?.sum)
}

const sharesOf = (database: Database): Promise<ReadonlyArray<Share>> =>
  database.query<Share>(`select accepted_ms::text as ms, xmin::text as transaction, count(*)::int as votes
    from vote_event group by accepted_ms, xmin::text`)

/** Takes off what the process of PostgreSQL's has taken that only tells which commits are there. */
const withoutWatcher = ({ PostgreSQL = Number.NaN, ...others }: Cpu, pid: number): Cpu => ({
  ...others,
  PostgreSQL: PostgreSQL - cpuOf(pid)
})

/** Starts the programs, tallykeep's own without others. */
export const makeStage = async ({ env, quick }: BenchContext, cast: Cast = ours): Promise<Stage> => {
  const site = await makeSite(env)
  const settings = { ...site.env, ...production, PORT: "0" }
  const consumer = await launchNode(cast.consumer, settings, cast.counting)
  const api = await launchNode(cast.api, settings)
  if (cast.viewed) await untilReady(portOf(api))
  const database = openDatabase(site.env.DATABASE_URL)
  const serversTake = await serversCpu(site)

  const take = (): Cpu => ({ api: cpuOf(api.pid), consumer: cpuOf(consumer.pid), ...serversTake() })
  const observe = async (watcher: number) => ({
    cpu: withoutWatcher(take(), watcher),
    backlog: (await entriesAdded(site)) - (await countedIn(database))
  })

  let warm = false
  const play = async (rate: number | undefined, seconds: number): Promise<Played> => {
    const viewer = cast.viewed ? await watchTally(portOf(api)) : nobody
    const commits = await watchCommits(site.env.DATABASE_URL)
    const sent = async () => {
      const load = { port: portOf(api), connections, requests: votes, expected: 201, lasts: seconds * 1000 }
      const run = await runLoad(
        { ...load, warmUp: quick ? 100 : warm ? 1_000 : 5_000, ...(rate === undefined ? {} : { rate }) },
        () => observe(commits.pid)
      )
      warm = true
      // What was on its way when the load ended may be appended yet.
      await until(async () => {
        checkRunning([api, consumer])
        const added = await entriesAdded(site)
        return (await countedIn(database)) === added && (!cast.viewed || viewer.sent.at(-1)?.total === added)
      })
      return run
    }
    let seenAt: (transaction: number) => number = () => Number.NaN
    // What fails is told, not that the watcher's database is gone.
    const run = await sent().finally(async () => {
      viewer.stop()
      seenAt = await commits.stop()
    })
    return {
      ...run,
      ...follow(await sharesOf(database), run.since, seenAt, viewer.sent),
      rate: run.answers / run.seconds,
      backlog: run.after.backlog,
      cpu: cpuEach(run.before.cpu, run.after.cpu, run.answers)
    }
  }

  const idle = async (seconds: number) => {
    const before = take()
    const start = performance.now()
    await sleep(seconds * 1000)
    return cpuEach(before, take(), (performance.now() - start) * 1000)
  }

  return {
    play,
    idle,
    close: async () => {
      await database.close()
      await Promise.all([kill(api), kill(consumer)])
      await site.close()
    }
  }
}
