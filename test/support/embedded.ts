import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Redis } from "ioredis"
import { type Embedded, startEmbedded } from "../../src/embedded/Embedded.ts"
import { identify } from "../../src/embedded/Processes.ts"
import { query } from "./query.ts"
import { eventually } from "./servers.ts"

type Url = Redacted.Redacted<string>

export const redis = <A>(url: Url, use: (client: Redis) => Promise<A>) =>
  Effect.acquireUseRelease(
    // Where it is not there yet, the client goes on asking.
    Effect.sync(() => new Redis(Redacted.value(url)).on("error", () => {})),
    (client) => Effect.promise(() => use(client)),
    (client) => Effect.sync(() => client.disconnect())
  )

export const both = (dataDir: string) =>
  startEmbedded({ dataDir, redis: true, postgres: true }).pipe(Effect.map((started) => started as Required<Embedded>))

/** What a shell would have for `name` from the file. */
export const urlIn = (envFile: string, name: string): Url =>
  Redacted.make(new RegExp(`^export ${name}='(.*)'$`, "m").exec(readFileSync(envFile, "utf8"))?.[1] ?? "")

export const write = ({ redisUrl, databaseUrl }: Required<Embedded>) =>
  Effect.all([redis(redisUrl, (client) => client.set("key", "kept")), query(databaseUrl, "create table kept (a int)")])

export const expectKept = Effect.fnUntraced(function* ({ redisUrl, databaseUrl }: Required<Embedded>) {
  assert.strictEqual(yield* redis(redisUrl, (client) => client.get("key")), "kept")
  assert.deepStrictEqual(yield* query(databaseUrl, "select * from kept"), [])
})

const pidIn = (file: string): number => Number.parseInt(readFileSync(file, "utf8"), 10)
export const redisPid = (dataDir: string) => pidIn(join(dataDir, "redis/redis.pid"))
export const postgresPid = (dataDir: string) => pidIn(join(dataDir, "postgres/data/postmaster.pid"))

export const untilGone = (pids: ReadonlyArray<number>) =>
  eventually(
    Effect.sync(() =>
      assert.deepStrictEqual(
        pids.map(identify),
        pids.map(() => undefined)
      )
    )
  )

/** Another program, that starts the servers on `dataDir`. */
export const owner = (dataDir: string, servers: "redis" | "both") =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const node = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url))
      const script = fileURLToPath(new URL("./owner.ts", import.meta.url))
      return spawn(node, [script, dataDir, servers], { stdio: ["pipe", "pipe", "inherit"] })
    }),
    (child) => Effect.promise(() => kill(child))
  )

export const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

export const firstWords = (child: ChildProcess) =>
  Effect.promise(async () => {
    for await (const line of child.stdout ?? []) {
      const text = `${line}`
      // Warnings about orphans come first.
      if (/started|in use/.test(text)) return text
    }
    return "nothing"
  })
