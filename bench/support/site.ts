import { randomBytes } from "node:crypto"
import { Redis } from "ioredis"
import type { Env } from "../harness.ts"
import { type Cpu, cpuOfFamily, parentOf } from "./cpu.ts"
import { execute, openDatabase, withName } from "./database.ts"
import { kill, launchNode, portOf, tallykeep, until, untilReady } from "./processes.ts"

/** A stream and a database of one run's own, with nothing in them but the schema and the default poll. */
export interface Site {
  readonly env: Env
  readonly stream: string
  readonly redis: Redis
  readonly close: () => Promise<void>
}

const uniqueName = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`

/** An empty database with tallykeep's schema, which the runs' own are copied from; gives its name. */
const makeTemplate = async (env: Env): Promise<string> => {
  const name = uniqueName("bench_template")
  await execute(env.DATABASE_URL, `create database ${name}`)
  const site = { ...env, DATABASE_URL: withName(env.DATABASE_URL, name), STREAM_NAME: name, PORT: "0" }
  const api = await launchNode([...tallykeep, "--role=api"], site)
  await untilReady(portOf(api)).finally(() => kill(api))
  return name
}

const templates = new Map<string, Promise<string>>()

const templateOf = (env: Env): Promise<string> => {
  const known = templates.get(env.DATABASE_URL) ?? makeTemplate(env)
  templates.set(env.DATABASE_URL, known)
  return known
}

/** Copies a database; waits for those that are connected to it to be gone. */
const copyDatabase = async (env: Env, from: string, name: string): Promise<void> => {
  const admin = openDatabase(env.DATABASE_URL)
  const others = `select 1 from pg_stat_activity where datname = '${from}'`
  await until(async () => (await admin.query(others)).length === 0).finally(() => admin.close())
  await execute(env.DATABASE_URL, `create database ${name} template ${from} strategy file_copy`)
}

const dropDatabase = (env: Env, name: string): Promise<void> =>
  execute(env.DATABASE_URL, `drop database if exists ${name} with (force)`)

/** Makes a site; its database is a copy of `from`, or empty but for the schema. */
export const makeSite = async (env: Env, from?: string): Promise<Site> => {
  const name = uniqueName("bench")
  await copyDatabase(env, from ?? (await templateOf(env)), name)
  // What was written before must not be flushed to disk while this run is measured.
  await execute(env.DATABASE_URL, "checkpoint")
  const redis = new Redis(env.REDIS_URL)
  const close = async () => {
    for (const key of await redis.keys(`${name}*`)) await redis.unlink(key)
    redis.disconnect()
    await dropDatabase(env, name)
  }
  return {
    env: { ...env, DATABASE_URL: withName(env.DATABASE_URL, name), STREAM_NAME: name },
    stream: name,
    redis,
    close
  }
}

/** Drops what was made for all runs. */
export const dropTemplates = async (env: Env): Promise<void> => {
  for (const template of templates.values()) await dropDatabase(env, await template)
  templates.clear()
}

/** Gives the CPU time so far of both servers; undefined for one that is not on this machine. */
export const serversCpu = async ({ env, redis }: Site): Promise<() => Cpu> => {
  const info = await redis.info("server")
  const redisPid = Number(/^process_id:(\d+)/m.exec(info)?.[1])
  const database = openDatabase(env.DATABASE_URL)
  const [backend] = await database.query<{ pid: number }>("select pg_backend_pid() as pid")
  const postmaster = parentOf(backend?.pid ?? 0) ?? 0
  await database.close()
  return () => ({ Redis: cpuOfFamily(redisPid), PostgreSQL: cpuOfFamily(postmaster) })
}
