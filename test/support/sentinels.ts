import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { freePort, retryWhileInUse, runServer } from "../../src/embedded/ServerProcess.ts"
import { withRedis } from "../chaos/group.ts"
import { own } from "../e2e/ownServer.ts"
import { dataFolder } from "./dataFolder.ts"
import { eventually, quiet } from "./servers.ts"

/** The master and its replicas have one password, the sentinels another. */
const password = "the-same-at-both"

export const sentinelPassword = "of-sentinels+/"

const startServer = Effect.gen(function* () {
  const dataDir = yield* dataFolder
  writeFileSync(join(dataDir, "redis.password"), password)
  const more = [`masterauth ${password}`, "repl-diskless-sync-delay 0"]
  const server = yield* own((options) => startRedis({ ...options, more }), dataDir)
  return { ...server, url: Redacted.value(server.url), port: Number(new URL(Redacted.value(server.url)).port) }
})

/** Starts a sentinel of a master; `quorum` of them have to agree that it is away. */
export const startSentinel = Effect.fnUntraced(function* (options: {
  readonly host?: string
  readonly port: number
  readonly quorum: number
  /** The password of the master. */
  readonly password: string
  /** Further lines of its configuration. */
  readonly more?: ReadonlyArray<string>
}) {
  const dataDir = yield* dataFolder
  const [config, logFile] = [join(dataDir, "sentinel.conf"), join(dataDir, "sentinel.log")]
  return yield* Effect.gen(function* () {
    const port = yield* freePort
    const lines = [
      "bind 127.0.0.1",
      `port ${port}`,
      `dir ${dataDir}`,
      `requirepass ${sentinelPassword}`,
      `sentinel sentinel-pass ${sentinelPassword}`,
      ...(options.more ?? []),
      `sentinel monitor mymaster ${options.host ?? "127.0.0.1"} ${options.port} ${options.quorum}`,
      `sentinel auth-pass mymaster ${options.password}`,
      "sentinel down-after-milliseconds mymaster 1000",
      "sentinel failover-timeout mymaster 3000"
    ]
    writeFileSync(config, `${lines.join("\n")}\n`)
    const url = `redis://:${encodeURIComponent(sentinelPassword)}@127.0.0.1:${port}`
    const server = yield* runServer({
      name: "Sentinel",
      command: "redis-server",
      args: [config, "--sentinel"],
      cwd: dataDir,
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      account: undefined,
      logFile,
      ending: [["SIGKILL", 5_000]],
      ready: () =>
        withRedis(url, (client) => client.ping()).then(
          () => true,
          () => false
        )
    })
    return { ...server, port, url }
  }).pipe(retryWhileInUse(logFile), Effect.provide(quiet))
})

/** Starts a master, a replica of it, and three sentinels who know of each other and of both. */
export const sentinelSetup = Effect.gen(function* () {
  const [master, replica] = yield* Effect.all([startServer, startServer], { concurrency: "unbounded" })
  yield* Effect.promise(() => withRedis(replica.url, (client) => client.replicaof("127.0.0.1", master.port)))
  yield* eventually(
    Effect.promise(async () => {
      assert.match(await withRedis(master.url, (client) => client.info("replication")), /state=online/)
    })
  )
  const watch = startSentinel({ port: master.port, quorum: 2, password })
  const sentinels = yield* Effect.all([watch, watch, watch], { concurrency: "unbounded" })
  const ask = (url: string, ...args: ReadonlyArray<string>) =>
    Effect.promise(() => withRedis(url, (client) => client.call("SENTINEL", ...args)))
  yield* eventually(
    Effect.forEach(sentinels, ({ url }) =>
      Effect.map(ask(url, "MASTER", "mymaster"), (answer) => {
        assert.match(String(answer), /num-slaves,1,num-other-sentinels,2/)
      })
    )
  )
  const [, , last] = sentinels
  return {
    master,
    replica,
    sentinels,
    /** Returns the URL of these sentinels, by their ports. */
    urlOf: (...ports: ReadonlyArray<number>) => {
      const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",")
      const query = `?sentinel_password=${encodeURIComponent(sentinelPassword)}`
      return Redacted.make(`redis+sentinel://:${password}@${hosts}/mymaster/0${query}`)
    },
    failover: ask(last?.url ?? "", "FAILOVER", "mymaster"),
    /** Waits until the sentinels name the server at the port. */
    named: (port: number) =>
      eventually(
        Effect.map(ask(last?.url ?? "", "GET-MASTER-ADDR-BY-NAME", "mymaster"), (answer) =>
          assert.deepStrictEqual(answer, ["127.0.0.1", String(port)])
        )
      )
  }
})
