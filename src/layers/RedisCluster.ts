import { Effect } from "effect"
import { type Connection, Redis } from "../stream/Redis.ts"
import { keySlot } from "../stream/Slot.ts"
import { nameOf, type RedisAddressOf, type RedisHost } from "./RedisAddress.ts"
import { connect, makeWatch, newConnection, optionsOf, sharedOptions, writerOptions } from "./RedisConnection.ts"
import { makeConnector } from "./RedisConnector.ts"

/*
 * The nodes of a Redis Cluster, each with a connection as a single Redis has one. ioredis's own Cluster is of no use
 * here: it keeps commands for a node that it is connecting to in a queue that can't be turned off, so that a vote which
 * was refused is appended later; and a read that blocks needs a connection of its own to the right node anyway.
 */

/** CLUSTER SLOTS: a range of slots, its master, its replicas. A node that does not know its own name says null. */
type SlotRange = readonly [first: number, last: number, master: readonly [host: string | null, port: number]]

/** How often each node is asked where the slots are, in ms; a node that hangs gives no other reason to ask. */
const askInterval = 2_000

const nodeOf = ({ options }: Connection): RedisHost => options as RedisHost

const sample = <A>(list: ReadonlyArray<A>): A | undefined => list[Math.floor(Math.random() * list.length)]

const isMoved = (error: Error): boolean => error.message.startsWith("MOVED ")

/** Connects to the cluster that these nodes belong to, and follows keys to where they are; `waits` as `layerRedis` has it. */
export const makeCluster = Effect.fnUntraced(function* (
  address: () => RedisAddressOf<"cluster">,
  ca: () => string | undefined,
  waits: boolean
) {
  const Connector = makeConnector({ replicas: true, ca })
  const watch = yield* makeWatch({ replicas: true })
  /** Connections by their nodes' names. Those of the settings stay; others stay as long as they are masters. */
  const clients = new Map<string, Connection>()
  /** The connections to the same nodes for writes that wait for replicas. */
  const writers = new Map<Connection, Connection>()
  const seedOf = (node: RedisHost) => address().nodes.find((seed) => nameOf(seed) === nameOf(node))
  const placeOf = ({ host, port }: RedisHost) => ({ ...(seedOf({ host, port }) ?? address().nodes[0]), host, port })
  /** The name of the node that has each slot. */
  const owners = new Array<string | undefined>(16_384)
  let onFound = () => {}
  const found = new Promise<void>((resolve) => {
    onFound = resolve
  })
  const beingAsked = new Set<Connection>()
  /** Nodes that did not answer when they were last asked; they may hang. */
  const silent = new Set<Connection>()

  const anyClient = (): Connection => {
    const ready = [...clients.values()].filter(({ status }) => status === "ready")
    return (
      sample(ready.filter((client) => !silent.has(client))) ?? sample(ready) ?? ([...clients.values()][0] as Connection)
    )
  }
  const clientOf = (key: string): Connection => clients.get(owners[keySlot(key)] ?? "") ?? anyClient()
  const writerOf = (key: string): Connection => {
    const client = clientOf(key)
    return writers.get(client) ?? client
  }

  /** Asks a node where the slots are. */
  const askForSlots = async (client: Connection): Promise<void> => {
    if (beingAsked.has(client) || client.status !== "ready") return
    beingAsked.add(client)
    const answer = (await client.cluster("SLOTS").catch(() => undefined)) as ReadonlyArray<SlotRange> | undefined
    beingAsked.delete(client)
    if (answer === undefined) silent.add(client)
    else {
      silent.delete(client)
      if (answer.length > 0) adopt(answer, nodeOf(client))
    }
  }

  const add = (node: RedisHost): void => {
    const name = nameOf(node)
    if (clients.has(name)) return
    const client = newConnection(() => placeOf(node), { ...sharedOptions, Connector })
    client.options.reconnectOnError = (error) => {
      if (isMoved(error)) void askForSlots(client)
      return false
    }
    const writer = waits ? newConnection(() => placeOf(node), { ...writerOptions, Connector }) : undefined
    clients.set(name, watch(`tallykeep at ${name}`, client))
    client.on("ready", () => void askForSlots(client))
    client.on("close", () => void askForSlots(anyClient()))
    connect(client)
    if (writer === undefined) return
    writers.set(client, watch(`tallykeep-writer at ${name}`, writer))
    connect(writer)
  }
  const close = (client: Connection): void => {
    client.disconnect()
    writers.get(client)?.disconnect()
    writers.delete(client)
  }

  const adopt = (ranges: ReadonlyArray<SlotRange>, from: RedisHost): void => {
    const masters = new Set<string>()
    for (const [first, last, [host, port]] of ranges) {
      const node = { host: host || from.host, port }
      const name = nameOf(node)
      masters.add(name)
      owners.fill(name, first, last + 1)
      add(node)
    }
    for (const [name, client] of clients) {
      if (masters.has(name) || seedOf(nodeOf(client)) !== undefined) continue
      clients.delete(name)
      silent.delete(client)
      close(client)
    }
    onFound()
  }

  yield* Effect.acquireRelease(
    Effect.sync(() => {
      address().nodes.forEach(add)
      return setInterval(() => {
        address().nodes.forEach(add)
        for (const client of clients.values()) void askForSlots(client)
      }, askInterval)
    }),
    (timer) =>
      Effect.sync(() => {
        clearInterval(timer)
        for (const client of clients.values()) close(client)
      })
  )

  const open = (name: string, reads: boolean, key?: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        // To wherever the key is, each time it connects.
        const place = () => placeOf(nodeOf(key === undefined ? anyClient() : clientOf(key)))
        const connection = newConnection(place, { Connector, connectionName: name, reconnectOnError: isMoved })
        watch(name, connection, reads)
        void found.then(() => {
          // It may have been closed meanwhile.
          if (connection.status !== "wait") return
          Object.assign(connection.options, optionsOf(place()))
          connect(connection)
        })
        return connection
      }),
      (connection) => Effect.sync(() => connection.disconnect())
    )

  return Redis.of({
    get client() {
      return anyClient()
    },
    clientOf,
    writerOf,
    dedicated: (name, key) => open(name, true, key),
    listener: (name) => open(name, false),
    clustered: true
  })
})
