import { Context, Effect, Layer } from "effect"
import { OutOfService } from "../domain/Problems.ts"
import { type Connection, command, Redis } from "./Redis.ts"
import { crc16, hashTag } from "./Slot.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** One of the streams that votes are spread over. */
export interface Shard {
  readonly stream: string
  /** What the names of keys that are used together with the stream begin with, so that all are at one node. */
  readonly keyPrefix: string
  /** The connection to the Redis that has the stream. Not to be kept, since the stream can move to another Redis. */
  readonly client: Connection
  /** The same, for writes that wait for replicas. */
  readonly writer: Connection
}

export const maxShards = 64

/** How long it is believed what Redis said of other numbers of shards. */
const lookedFor = "10 seconds"
/** How long a look may take: a node that hangs must not hold up votes for the others. */
const lookTimeout = "300 millis"

export const noAnswer = new OutOfService({ part: "redis", cause: new Error("No answer in time") })

/** One stream has the setting's name. Several each have a number as their hash tag, which spreads them over nodes. */
const streamNames = (stream: string, count: number): ReadonlyArray<string> =>
  count === 1 ? [stream] : Array.from({ length: count }, (_, index) => `${stream}:{${index}}`)

/** Returns every stream that there could be, whatever the number of shards is or was. */
export const everyShard = (redis: Redis["Service"], stream: string): ReadonlyArray<Shard> =>
  [...streamNames(stream, 1), ...streamNames(stream, maxShards)].map((name) => ({
    stream: name,
    keyPrefix: redis.clustered && hashTag(name) === undefined ? `{${name}}` : name,
    get client() {
      return redis.clientOf(name)
    },
    get writer() {
      return redis.writerOf(name)
    }
  }))

/** Finds the streams that votes are appended to with that number of shards, and all others that exist. */
export const usedShards = (
  redis: Redis["Service"],
  stream: string,
  count: number
): Effect.Effect<ReadonlyArray<Shard>, OutOfService> => {
  const current = streamNames(stream, count)
  return Effect.filter(
    everyShard(redis, stream),
    (shard) =>
      Effect.map(
        command(() => shard.client.exists(shard.stream)),
        (there) => there === 1 || current.includes(shard.stream)
      ),
    { concurrency: "unbounded" }
  )
}

/** Asks all, and returns the answers of those that give one; fails where none does. */
export const answering = <A, B>(
  asked: ReadonlyArray<A>,
  ask: (each: A) => Effect.Effect<B, OutOfService>
): Effect.Effect<ReadonlyArray<B>, OutOfService> =>
  Effect.flatMap(Effect.partition(asked, ask, { concurrency: "unbounded" }), ([answers, [failure]]) =>
    answers.length === 0 && failure !== undefined ? Effect.fail(failure) : Effect.succeed(answers)
  )

/** The streams that votes are appended to, and those that they were appended to before `STREAM_SHARDS` was changed. */
export class Shards extends Context.Service<
  Shards,
  {
    readonly current: ReadonlyArray<Shard>
    /** Returns the shard of a voter, an idempotency key or a vote: always the same one. */
    readonly of: (text: string) => Shard
    /** Finds the shards that it belonged to while there were more or fewer, for as long as keys are remembered. */
    formerOf(text: string): Effect.Effect<ReadonlyArray<Shard>, OutOfService>
    /** The streams that exist and are no longer appended to. */
    readonly former: Effect.Effect<ReadonlyArray<Shard>, OutOfService>
    /** All streams, the current ones first. */
    readonly all: Effect.Effect<ReadonlyArray<Shard>, OutOfService>
    /**
     * All streams that votes may be in or come to: also those that don't exist yet, of numbers of shards that were in use lately.
     * Fails where one of all can't be asked.
     */
    readonly possible: Effect.Effect<ReadonlyArray<Shard>, OutOfService>
  }
>()("tallykeep/stream/Shards") {
  static readonly layer = Layer.effect(
    Shards,
    Effect.gen(function* () {
      const redis = yield* Redis
      const { idempotencyTtl, shards: count, stream } = yield* StreamSettings
      const every = new Map(everyShard(redis, stream).map((shard) => [shard.stream, shard]))
      const named = (names: ReadonlyArray<string>) => names.flatMap((name) => every.get(name) ?? [])
      const current = named(streamNames(stream, count))
      const [only] = current as [Shard, ...Array<Shard>]

      const of = (text: string): Shard => (current.length === 1 ? only : (current[crc16(text) % count] ?? only))

      /** The last answer about each stream, which holds while its Redis is away: whether it exists, and numbers of shards. */
      const looks = new Map<Shard, ReadonlyArray<number>>()
      // One question takes a hundredth of the CPU time of one for each. In a cluster each has a slot of its own.
      const together = redis.clustered ? [...every.values()].map((shard) => [shard]) : [[...every.values()]]
      /** Asks about shards of one Redis, and returns the answers in order. */
      const ask = (shards: ReadonlyArray<Shard>) =>
        command(() => {
          const keys = shards.flatMap(({ keyPrefix, stream }) => [stream, `${keyPrefix}:counts`])
          const counts = shards.map((shard) => `${current.includes(shard) ? count : 0}`)
          // Longer than a key is remembered, by as much as an answer may be old.
          const since = `${idempotencyTtl + 60_000}`
          return (shards[0] ?? only).client.lookAtShards([`${keys.length}`, ...keys, since, ...counts])
        }).pipe(
          Effect.map((answers) => shards.map((shard, index) => [shard, (answers[index] ?? []).map(Number)] as const))
        )
      const look = (shards: ReadonlyArray<Shard>) =>
        ask(shards).pipe(
          Effect.timeoutOrElse({ duration: lookTimeout, orElse: () => noAnswer }),
          Effect.tap((answers) =>
            Effect.sync(() => {
              for (const [shard, answer] of answers) looks.set(shard, answer)
            })
          )
        )
      const lookAtAll = Effect.as(answering(together, look), looks)
      const [looking, again] = yield* Effect.cachedInvalidateWithTTL(lookAtAll, lookedFor)
      const looked = Effect.tapError(looking, () => again)
      const former = Effect.map(looked, (all) =>
        [...all].flatMap(([shard, [exists]]) => (exists === 1 && !current.includes(shard) ? [shard] : []))
      )
      const formerCounts = Effect.map(looked, (all) =>
        [...new Set([...all.values()].flatMap(([, ...counts]) => counts))].filter((other) => other !== count)
      )

      const possible = Effect.map(Effect.forEach(together, ask, { concurrency: "unbounded" }), (all) => {
        const answers = all.flat()
        const counts = answers.flatMap(([, [, ...counts]]) => counts)
        const used = new Set([count, ...counts].flatMap((count) => streamNames(stream, count)))
        return answers.flatMap(([shard, [exists]]) => (exists === 1 || used.has(shard.stream) ? [shard] : []))
      })

      return Shards.of({
        current,
        of,
        formerOf: (text) =>
          Effect.map(formerCounts, (counts) =>
            named(counts.flatMap((other) => streamNames(stream, other)[crc16(text) % other] ?? [])).filter(
              (shard) => shard !== of(text)
            )
          ),
        former,
        all: Effect.map(former, (others) => [...current, ...others]),
        possible
      })
    })
  )
}
