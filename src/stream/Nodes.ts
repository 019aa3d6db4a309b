import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { durabilities, type Keeping, readKeeping } from "./Durability.ts"
import { type Connection, command } from "./Redis.ts"
import { answering, noAnswer, type Shard, type Shards } from "./Shards.ts"
import type { StreamSettings } from "./StreamSettings.ts"
import { readState } from "./StreamState.ts"

/** How long a ping may take: one node that hangs must not make all look away to a caller that waits for a second. */
const pingTimeout = "700 millis"

/** Asks each node once: the shards of a node share a connection. */
const askEachNode = <A>(shards: ReadonlyArray<Shard>, ask: (client: Connection) => Effect.Effect<A, OutOfService>) =>
  Effect.suspend(() => answering([...new Set(shards.map(({ client }) => client))], ask))

/** Reads the clock of the nodes that have the shards, in ms since 1970; where the clocks differ, the latest. */
export const readClock = (shards: ReadonlyArray<Shard>): Effect.Effect<number, OutOfService> =>
  Effect.map(
    askEachNode(shards, (client) => command(() => client.time())),
    (times) => Math.max(...times.map(([seconds, micros]) => Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)))
  )

/** The questions to the nodes that have the shards. Each tells of those that answer, and fails where none does. */
export const askNodes = (shards: Shards["Service"], { blockMs, group }: StreamSettings["Service"]) => {
  const states = Effect.flatMap(shards.all, (all) =>
    answering(all, ({ client, stream }) => readState(client, { stream, group, blockMs }))
  )
  const backlog = Effect.map(states, (all) => all.reduce((sum, { lag, pending }) => sum + lag + pending, 0))

  const keeping = Effect.map(
    askEachNode(shards.current, readKeeping),
    (all): Keeping => ({
      durability: durabilities.findLast((weakest) => all.some(({ durability }) => durability === weakest)) ?? "memory",
      evicts: all.some(({ evicts }) => evicts),
      warnings: [...new Set(all.flatMap(({ warnings }) => warnings))]
    })
  )

  const ping = Effect.map(
    answering(shards.current, (shard) =>
      // PING would not do: a node of a cluster can answer that and not serve its slots.
      command(() => shard.client.exists(shard.stream)).pipe(
        Effect.as(shard),
        Effect.timeoutOrElse({ duration: pingTimeout, orElse: () => noAnswer })
      )
    ),
    (serving) => shards.current.filter((shard) => !serving.includes(shard)).map(({ stream }) => stream)
  )

  return { now: readClock(shards.current), states, backlog, keeping, ping }
}
