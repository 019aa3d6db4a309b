import type { BenchContext } from "../harness.ts"
import { type Answered, runLoad, votes } from "../load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import { type Database, openDatabase } from "./database.ts"
import { type Followed, follow, type Share } from "./delays.ts"
import { watchTally } from "./events.ts"
import { kill, launchNode, portOf, production, tallykeep, until, untilReady } from "./processes.ts"
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

/** An API and a consumer that run, with a viewer. */
export interface Stage {
  /** Sends votes at `rate` a second, or as fast as they are answered, for `seconds`; waits until all are counted. */
  play(rate: number | undefined, seconds: number): Promise<Played>
  close(): Promise<void>
}

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

export const makeStage = async ({ env, quick }: BenchContext): Promise<Stage> => {
  const site = await makeSite(env)
  const settings = { ...site.env, ...production, PORT: "0" }
  const consumer = await launchNode([...tallykeep, "--role=consumer"], settings, /Counting votes/)
  const api = await launchNode([...tallykeep, "--role=api"], settings)
  await untilReady(portOf(api))
  const database = openDatabase(site.env.DATABASE_URL)
  const serversTake = await serversCpu(site)

  const observe = async () => ({
    cpu: { api: cpuOf(api.pid), consumer: cpuOf(consumer.pid), ...serversTake() },
    backlog: (await entriesAdded(site)) - (await countedIn(database))
  })

  let warm = false
  const play = async (rate: number | undefined, seconds: number): Promise<Played> => {
    const viewer = await watchTally(portOf(api))
    const commits = watchCommits(site.env.DATABASE_URL)
    const load = { port: portOf(api), connections, requests: votes, expected: 201, lasts: seconds * 1000 }
    const run = await runLoad(
      { ...load, warmUp: quick ? 100 : warm ? 1_000 : 5_000, ...(rate === undefined ? {} : { rate }) },
      observe
    )
    warm = true
    // What was on its way when the load ended may be appended yet.
    await until(async () => {
      const added = await entriesAdded(site)
      return (await countedIn(database)) === added && viewer.sent.at(-1)?.total === added
    })
    viewer.stop()
    const seenAt = await commits.stop()
    return {
      ...run,
      ...follow(await sharesOf(database), run.since, seenAt, viewer.sent),
      rate: run.answers / run.seconds,
      backlog: run.after.backlog,
      cpu: cpuEach(run.before.cpu, run.after.cpu, run.answers)
    }
  }

  return {
    play,
    close: async () => {
      await database.close()
      await Promise.all([kill(api), kill(consumer)])
      await site.close()
    }
  }
}
