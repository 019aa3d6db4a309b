import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { passwordIn } from "../../src/embedded/Password.ts"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { eventually } from "./eventually.ts"
import { withRedis } from "./group.ts"
import { openGate } from "./proxy.ts"
import { makeTurns, type Pair, type RestartableServer, startServer } from "./server.ts"

export interface RedisPair extends Pair {
  /**
   * Cuts the replica off from the one that is written to, kills that one after `pause` ms, and makes the replica the one that is
   * written to; after another `pause` the killed one comes back as its replica. Returns false where there was no replica that had
   * everything before.
   */
  lose(pause: number): Promise<boolean>
}

/** How long a replica may take until it has everything, and a failover until it is done, in ms. */
const patience = 10_000

const replication = (server: RestartableServer): Promise<string> =>
  withRedis(server.url(), (client) => client.info("replication"))

/** Starts a Redis and a replica of it, each in its own data folder. */
export const startRedisPair = async (folders: readonly [string, string]): Promise<RedisPair> => {
  const passwords = folders.map((folder) => join(folder, "redis.password")) as [string, string]
  const password = passwordIn(passwords[0])
  copyFileSync(...passwords)
  const more = [`masterauth ${password}`, "repl-diskless-sync-delay 0"]
  const start = (folder: string) => startServer((options) => startRedis({ ...options, more }), folder)
  let [primary, replica] = await Promise.all([start(folders[0]), start(folders[1])])
  // The primary's port changes when it is started again.
  const gate = await openGate(() => primary.port())
  const follow = () => withRedis(replica.url(), (client) => client.replicaof("127.0.0.1", gate.port))
  await follow()
  const turns = makeTurns()

  const exchange = () => {
    ;[primary, replica] = [replica, primary]
  }
  const inSync = () =>
    eventually(async () => {
      const [above, below] = await Promise.all([replication(primary), replication(replica)])
      return / *state=online/.test(above) && /master_link_status:up/.test(below)
    }, patience)

  return {
    port: () => primary.port(),
    url: (port) => primary.url(port),
    crash: async (signal, pause) => {
      await turns.take(async () => {
        await primary.end(signal)
        await sleep(pause)
        await primary.start()
        // It would look for it only after a while.
        await follow()
      })
    },
    demote: async () => {
      const done = await turns.take(async () => {
        if (!(await inSync())) return false
        const target = ["TO", "127.0.0.1", replica.port()] as const
        await withRedis(primary.url(), (client) => client.call("FAILOVER", ...target, "TIMEOUT", patience))
        let state = ""
        const over = await eventually(async () => {
          state = await replication(primary)
          return state.includes("master_failover_state:no-failover")
        }, 2 * patience)
        if (!over) throw new Error(`the failover of Redis never ended: ${state}`)
        if (!state.includes("role:slave")) return false
        exchange()
        await follow()
        return true
      })
      return done ?? false
    },
    lose: async (pause) => {
      const done = await turns.take(async () => {
        if (!(await inSync())) return false
        gate.silence()
        await sleep(pause)
        await primary.end("SIGKILL")
        await withRedis(replica.url(), (client) => client.replicaof("NO", "ONE"))
        exchange()
        await sleep(pause)
        await replica.start()
        await follow()
        return true
      })
      return done ?? false
    },
    close: async () => {
      await turns.close()
      gate.close()
      await Promise.all([primary, replica].map((server) => server.stop()))
    }
  }
}
