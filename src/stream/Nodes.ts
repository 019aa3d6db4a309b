import { Effect } from "effect"
import { OutOfService } from "../domain/Problems.ts"
import { makeCountedUpTo } from "./CountedUpTo.ts"
import { diskWrites, durabilities, type Keeping, readKeeping } from "./Durability.ts"
import { keyMemoryHash } from "./KeyRecords.ts"
import { type Connection, command, isRefusal } from "./Redis.ts"
import { expectReplicas } from "./Replicas.ts"
import { answering, noAnswer, type Shard, type Shards } from "./Shards.ts"
import type { StreamClock } from "./StreamClock.ts"
import type { StreamSettings } from "./StreamSettings.ts"
import { backlogOf, readState, type StateOptions } from "./StreamState.ts"

/** What a process needs Redis for: an API appends votes, a consumer counts them. */
export type Work = "append" | "count"

/** A shard that Redis does no work for at the moment, and why. */
export interface Refusal {
  readonly stream: string
  readonly error: OutOfService
}

/** How long a check may take: one node that hangs must not make all look away to a caller that waits for a second. */
const checkTimeout = "700 millis"

/** Asks each node once: the shards of a node share a connection. */
const askEachNode = <A>(shards: ReadonlyArray<Shard>, ask: (client: Connection) => Effect.Effect<A, OutOfService>) =>
  Effect.suspend(() => answering([...new Set(shards.map(({ client }) => client))], ask))

/** Reads the states of the shards whose nodes answer. */
export const readStates = (shards: ReadonlyArray<Shard>, options: Omit<StateOptions, "stream">) =>
  answering(shards, ({ client, stream }) => readState(client, { ...options, stream }))

/**
 * Finds a time that the entries of all shards are before, in ms since 1970, and tells how far each has come. Later entries of
 * the shard that is ahead are not before it; those of others may be, until their clocks are there.
 */
export const findClosingTime = (
  shards: ReadonlyArray<Shard>,
  reached: StreamClock["reached"]
): Effect.Effect<number, OutOfService> =>
  Effect.map(
    answering(shards, ({ client, stream }) =>
      Effect.map(
        command(() => client.closingTime(stream)),
        (time) => {
          reached(stream, Number(time))
          return Number(time)
        }
      )
    ),
    (times) => Math.max(...times)
  )

/** The questions to the nodes that have the shards. Each tells of those that answer, and fails where none does. */
export const askNodes = (shards: Shards["Service"], settings: StreamSettings["Service"], clock: StreamClock) => {
  const { appendReplicas, group } = settings
  const states = Effect.tap(
    Effect.flatMap(shards.all, (all) => readStates(all, settings)),
    (all) => Effect.sync(() => all.forEach(clock.see))
  )
  const backlog = Effect.map(states, backlogOf)

  const keeping = Effect.map(
    askEachNode(shards.current, readKeeping),
    (all): Keeping => ({
      durability: durabilities.findLast((weakest) => all.some(({ durability }) => durability === weakest)) ?? "memory",
      evicts: all.some(({ evicts }) => evicts),
      maxMemory: Math.min(...all.map(({ maxMemory }) => maxMemory)),
      memoryRatio: Math.max(...all.map(({ memoryRatio }) => memoryRatio)),
      unwritten: diskWrites.filter((write) => all.some(({ unwritten }) => unwritten.includes(write))),
      warnings: [...new Set(all.flatMap(({ warnings }) => warnings))]
    })
  )

  const keyBytes = Effect.map(
    Effect.flatMap(shards.all, (all) =>
      answering(all, (shard) => {
        const { client } = shard
        return Effect.map(
          command(() => client.keyMemory(keyMemoryHash(shard))),
          (bytes) => ({ client, bytes })
        )
      })
    ),
    (all) => {
      const ofNodes = new Map<Connection, number>()
      for (const { bytes, client } of all) ofNodes.set(client, (ofNodes.get(client) ?? 0) + bytes)
      return Math.max(...ofNodes.values())
    }
  )

  /** Asks for what the work takes, without doing any. PING would not do: who answers that may refuse to write. */
  const ask: Record<Work, (shard: Shard) => Promise<unknown>> = {
    append: ({ client, keyPrefix, stream }) => client.canAppend(`${keyPrefix}:absent`, stream),
    count: ({ client, stream }) => client.xack(stream, group, "0-0")
  }
  const askAll = async (work: Work, shard: Shard): Promise<void> => {
    await ask[work](shard)
    if (appendReplicas > 0) await expectReplicas(shard, appendReplicas)
  }
  const check = (work: Work) =>
    Effect.flatMap(
      Effect.forEach(
        shards.current,
        (shard) =>
          command(() => askAll(work, shard)).pipe(
            Effect.timeoutOrElse({ duration: checkTimeout, orElse: () => noAnswer }),
            Effect.mapError((error) => {
              const { unsuitable } = shard.client
              return unsuitable === undefined ? error : new OutOfService({ part: "redis", cause: unsuitable })
            }),
            Effect.match({ onSuccess: () => [], onFailure: (error) => [{ stream: shard.stream, error }] })
          ),
        { concurrency: "unbounded" }
      ),
      (each) => {
        const refusals: ReadonlyArray<Refusal> = each.flat()
        const [first] = refusals
        if (first === undefined || refusals.length < shards.current.length) return Effect.succeed(refusals)
        // A node that refuses says more than one that is away.
        return Effect.fail((refusals.find(({ error }) => isRefusal(error)) ?? first).error)
      }
    )

  const closingTime = Effect.flatMap(shards.all, (all) => findClosingTime(all, clock.reached))

  const upTo = makeCountedUpTo(settings)
  const countedUpTo = (latest: number) => Effect.flatMap(shards.all, (all) => upTo(all, latest))

  return { now: clock.now, closingTime, countedUpTo, states, backlog, keeping, keyBytes, check }
}
