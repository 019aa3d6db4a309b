import { execFile } from "node:child_process"
import { appendFileSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { askPostgres, startPostgresPair } from "./postgresPair.ts"
import { main, makeProgram, type Program } from "./program.ts"
import { type Gate, openGate } from "./proxy.ts"
import { type RedisPair, startRedisPair } from "./redisPair.ts"
import type { Pair } from "./server.ts"

/** A program with its gates to the servers. */
export interface Member {
  readonly program: Program
  readonly redis: Gate
  readonly postgres: Gate
}

/** The first one keeps its name, as a member of a StatefulSet does; the others get a new one in each life. */
export const consumerName = (number: number, life: number): string =>
  number === 1 ? "consumer-1" : `consumer-${number}.${life}`

/** The data folders of the servers that are written to in the beginning, and of their replicas. */
export type Folders = readonly [string, string]

export interface Audit {
  readonly code: number
  readonly output: string
}

/** Two APIs and three consumers, and the Redis and PostgreSQL that they share, each with a replica. */
export interface Site {
  readonly apis: ReadonlyArray<Member>
  readonly consumers: ReadonlyArray<Member>
  readonly redis: RedisPair
  readonly postgres: Pair
  /** Notes in a file what is done to it, and when. */
  note(line: string): void
  /** What went wrong that no fault explains. */
  readonly problems: Array<string>
  /** Asks the database without passing the faults; for statements written here. */
  query<Row extends object>(statement: string): Promise<ReadonlyArray<Row>>
  audit(): Promise<Audit>
  /** Recounts the public log of the default poll. */
  checkLog(): Promise<Audit>
  close(): Promise<void>
}

/** How long until another consumer takes an entry over, in ms. */
export const claimIdleMs = 1_500

const apiCount = 2
const consumerCount = 3

export const adminToken = "the-admin-of-this-chaos"

const settings = {
  ADMIN_TOKEN: adminToken,
  VOTER_SECRET: "what-signs-the-voters-of-this-chaos",
  LOG_KEY: Buffer.alloc(32, "what signs the logs").toString("base64"),
  PORT: "0",
  RATE_LIMIT: "off",
  SHUTDOWN_DELAY: "0s",
  CONSUMER_FIBERS: "2",
  BATCH_SIZE: "100",
  BLOCK_MS: "500",
  CLAIM_IDLE_MS: `${claimIdleMs}`,
  NO_COLOR: "1"
}

/** What the programs are told besides. */
type Environment = Readonly<Record<string, string>>

/** Opens a site whose servers have a data folder each, and whose logs are in the first. */
export const openSite = async (folders: Folders, more: Environment = {}): Promise<Site> => {
  const closing: Array<() => unknown> = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    return await build(folders, more, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

const build = async (
  folders: Folders,
  more: Environment,
  closing: Array<() => unknown>,
  close: () => Promise<void>
): Promise<Site> => {
  const problems: Array<string> = []
  const opened = async <A extends { close(): unknown }>(opening: Promise<A>): Promise<A> => {
    const part = await opening
    closing.push(() => part.close())
    return part
  }
  const [redis, postgres] = await Promise.all([opened(startRedisPair(folders)), opened(startPostgresPair(folders))])
  const logs = join(folders[0], "logs")
  mkdirSync(logs)
  const enrol = async (role: "api" | "consumer", number: number): Promise<Member> => {
    const gates = { redis: await opened(openGate(redis.port)), postgres: await opened(openGate(postgres.port)) }
    const name = `${role} ${number}`
    const program = makeProgram({
      name,
      role,
      logFile: join(logs, `${role}-${number}.log`),
      onSurprise: (problem) => problems.push(problem),
      env: (life) => ({
        ...settings,
        ...more,
        REDIS_URL: redis.url(gates.redis.port),
        DATABASE_URL: postgres.url(gates.postgres.port),
        CONSUMER_NAME: consumerName(number, life)
      })
    })
    await opened(Promise.resolve(program))
    return { program, ...gates }
  }
  const members = (role: "api" | "consumer", count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => enrol(role, index + 1)))
  const apis = await members("api", apiCount)
  const consumers = await members("consumer", consumerCount)
  const started = await Promise.all([...apis, ...consumers].map(({ program }) => program.launch().started))
  if (started.includes(false)) throw new Error(`not every program has started; see ${logs}`)

  const command = (...args: ReadonlyArray<string>): Promise<Audit> =>
    new Promise((resolve) => {
      const env = { PATH: process.env.PATH, REDIS_URL: redis.url(), DATABASE_URL: postgres.url(), NO_COLOR: "1" }
      execFile(process.execPath, [main, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resolve({ code, output: `${stdout}${stderr}`.trim() })
      })
    })
  return {
    apis,
    consumers,
    redis,
    postgres,
    problems,
    note: (line) => appendFileSync(join(logs, "faults.log"), `${new Date().toISOString()} ${line}\n`),
    query: (statement) => askPostgres(postgres.url(), statement),
    audit: () => command("audit", "--json"),
    checkLog: () => command("log", "verify", "cats-or-dogs"),
    close
  }
}
