import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { Redis } from "ioredis"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { freePort } from "../../src/embedded/ServerProcess.ts"
import { keySlot } from "../../src/stream/Slot.ts"
import { type OwnServer, own } from "../e2e/ownServer.ts"
import { dataFolder } from "./dataFolder.ts"
import { eventually } from "./servers.ts"

/** A node with the test's own connection to it, which waits while the node is away. */
export interface ClusterNode extends OwnServer {
  readonly id: string
  readonly redis: Redis
}

/** A Redis Cluster of three masters, without replicas until `addReplicas`. */
export class RedisCluster extends Context.Service<
  RedisCluster,
  {
    /** All nodes, as `REDIS_URL` takes them. */
    readonly url: Redacted.Redacted
    readonly nodes: ReadonlyArray<ClusterNode>
    /** Returns the node that had the key's slot when the cluster was made. */
    nodeOf(key: string): ClusterNode
  }
>()("tallykeep/test/RedisCluster") {
  static readonly layer = Layer.effect(
    RedisCluster,
    Effect.gen(function* () {
      const servers = yield* Effect.forEach([0, 1, 2], () => startNode, { concurrency: "unbounded" })
      const nodes = yield* Effect.forEach(servers, openNode)
      const slots = nodes.map((_, index) => Math.round((index * 16_384) / nodes.length))
      yield* Effect.promise(() => joinNodes(nodes, [...slots, 16_384]))
      yield* eventually(Effect.forEach(nodes, expectWhole))
      return RedisCluster.of({
        url: Redacted.make(nodes.map(({ url }) => Redacted.value(url)).join(",")),
        nodes,
        nodeOf: (key) => nodes[slots.findLastIndex((first) => keySlot(key) >= first)] as ClusterNode
      })
    })
  )
}

/** The nodes of a cluster have one password. */
const password = "the-same-at-all-nodes"

const startNode = Effect.gen(function* () {
  const dataDir = yield* dataFolder
  const busPort = yield* freePort
  writeFileSync(join(dataDir, "redis.password"), password)
  const more = [
    `masterauth ${password}`,
    "repl-diskless-sync-delay 0",
    "cluster-enabled yes",
    `cluster-port ${busPort}`,
    "cluster-node-timeout 2000",
    "cluster-require-full-coverage no"
  ]
  return { busPort, server: yield* own((options) => startRedis({ ...options, more }), dataDir) }
})

const openNode = Effect.fnUntraced(function* ({ busPort, server }: { busPort: number; server: OwnServer }) {
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const client = new Redis(Redacted.value(server.url), { retryStrategy: () => 50, maxRetriesPerRequest: null })
      // Tests stop the node.
      client.on("error", () => undefined)
      return client
    }),
    (client) => Effect.sync(() => client.disconnect())
  )
  return { ...server, busPort, redis, id: yield* Effect.promise(() => redis.cluster("MYID")) }
})

const joinNodes = async (
  nodes: ReadonlyArray<ClusterNode & { readonly busPort: number }>,
  slots: ReadonlyArray<number>
): Promise<void> => {
  for (const [index, { redis }] of nodes.entries()) {
    await redis.cluster("SET-CONFIG-EPOCH", index + 1)
    await redis.cluster("ADDSLOTSRANGE", slots[index] ?? 0, (slots[index + 1] ?? 0) - 1)
  }
  const [first, ...others] = nodes
  await meet(first, others)
}

const meet = async (
  known: ClusterNode | undefined,
  others: ReadonlyArray<ClusterNode & { readonly busPort: number }>
): Promise<void> => {
  for (const { busPort, redis } of others) {
    await known?.redis.call("CLUSTER", "MEET", "127.0.0.1", redis.options.port ?? 0, busPort)
  }
}

/** Gives each master a replica, and waits until they have all data; returns them in their masters' order. */
export const addReplicas = Effect.fnUntraced(function* (masters: ReadonlyArray<ClusterNode>) {
  const servers = yield* Effect.forEach(masters, () => startNode, { concurrency: "unbounded" })
  const replicas = yield* Effect.forEach(servers, openNode)
  yield* Effect.promise(() => meet(masters[0], replicas))
  for (const [index, { redis }] of replicas.entries()) {
    // It refuses until it has heard of its master.
    yield* eventually(Effect.promise(async () => redis.cluster("REPLICATE", masters[index]?.id ?? "")))
    yield* eventually(
      Effect.promise(async () => assert.match(await redis.info("replication"), /^master_link_status:up/m))
    )
    yield* Effect.promise(() => redis.readonly())
  }
  return replicas
})

/** Asserts that a node knows all others, and that all slots are served. */
const expectWhole = ({ redis }: ClusterNode) =>
  Effect.promise(async () => {
    const info = await redis.cluster("INFO")
    assert.match(info, /cluster_state:ok/)
    assert.match(info, /cluster_slots_ok:16384/)
    assert.match(info, /cluster_known_nodes:3/)
  })

/** Moves a slot with all its keys from one node to another, as an operator would, while it is in use. */
export const moveSlot = (
  nodes: ReadonlyArray<ClusterNode>,
  from: ClusterNode,
  to: ClusterNode,
  slot: number
): Effect.Effect<void> =>
  Effect.promise(async () => {
    await to.redis.cluster("SETSLOT", slot, "IMPORTING", from.id)
    await from.redis.cluster("SETSLOT", slot, "MIGRATING", to.id)
    for (;;) {
      const keys = (await from.redis.cluster("GETKEYSINSLOT", slot, 100)) as ReadonlyArray<string>
      if (keys.length === 0) break
      const { port = 0 } = to.redis.options
      await from.redis.call("MIGRATE", "127.0.0.1", port, "", 0, 5_000, "AUTH", password, "KEYS", ...keys)
    }
    for (const { redis } of [to, from, ...nodes]) await redis.cluster("SETSLOT", slot, "NODE", to.id)
  })
