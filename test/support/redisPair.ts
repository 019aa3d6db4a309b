import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { withRedis } from "../chaos/group.ts"
import { type Gate, openGate } from "../chaos/proxy.ts"
import { type OwnServer, own } from "../e2e/ownServer.ts"
import { dataFolder } from "./dataFolder.ts"
import { eventually } from "./servers.ts"

/** Servers that take each other's places have one password. */
const password = "the-same-at-both"

/** A Redis that can follow another, and be followed. */
export interface Replicable extends OwnServer {
  readonly port: number
  readonly address: string
}

export const startReplicable = Effect.gen(function* () {
  const dataDir = yield* dataFolder
  writeFileSync(join(dataDir, "redis.password"), password)
  const more = [`masterauth ${password}`, "repl-diskless-sync-delay 0"]
  const server = yield* own((options) => startRedis({ ...options, more }), dataDir)
  const address = Redacted.value(server.url)
  return { ...server, address, port: Number(new URL(address).port) } satisfies Replicable
})

/** Opens a gate to a Redis, whose port `upstream()` returns whenever a connection is made. */
export const openGateTo = (upstream: () => number) =>
  Effect.acquireRelease(
    Effect.promise(() => openGate(upstream)),
    (gate) => Effect.sync(() => gate.close())
  )

export const urlOf = ({ port }: Pick<Gate, "port">) => Redacted.make(`redis://:${password}@127.0.0.1:${port}`)

/** Makes a Redis a replica of the one at a port, and waits until it has all of its data. */
export const follow = (replica: Replicable, port: number) =>
  Effect.andThen(
    Effect.promise(() => withRedis(replica.address, (client) => client.replicaof("127.0.0.1", port))),
    eventually(
      Effect.promise(async () => {
        const info = await withRedis(replica.address, (client) => client.info("replication"))
        assert.match(info, /^master_link_status:up/m)
      })
    )
  )

export const promote = ({ address }: Replicable) =>
  Effect.promise(() => withRedis(address, (client) => client.replicaof("NO", "ONE")))
