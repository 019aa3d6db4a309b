import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { type Connection, command } from "./Redis.ts"
import { type Scripts, scripts } from "./Scripts.ts"
import type { Shard } from "./Shards.ts"

/** How long replicas may take, in ms: the rest of `commandTimeout` is for Redis itself. */
const replicaTimeout = 600

type WritingScript = "appendVotes" | "fence" | "findKey"

/** Writes that count as done once replicas have them. */
export interface ReplicatedWrites {
  /**
   * Runs a script by a connection that is there for such writes alone, and returns its answer once enough replicas have what
   * it wrote. After a failure, it may be written or not.
   */
  run<Name extends WritingScript>(
    connection: Connection,
    name: Name,
    numberOfKeysAndAll: ReadonlyArray<string>
  ): Promise<Awaited<ReturnType<Scripts[Name]>>>
}

interface Write {
  /** The script itself is sent only to a Redis that does not know it. */
  readonly by: "eval" | "evalsha"
  readonly lua: string
  readonly args: ReadonlyArray<string>
  resolve(answer: unknown): void
  reject(cause: unknown): void
}

const digests = new Map<string, string>()
const digestOf = (lua: string): string => {
  const digest = digests.get(lua) ?? createHash("sha1").update(lua).digest("hex")
  digests.set(lua, digest)
  return digest
}

/** Makes writes that `replicas` replicas must have. */
export const makeReplicatedWrites = (replicas: number): ReplicatedWrites => {
  const byConnection = new WeakMap<Connection, (write: Write) => void>()
  const writerTo = (connection: Connection) => {
    const made = byConnection.get(connection) ?? makeRounds(connection, replicas)
    byConnection.set(connection, made)
    return made
  }
  return {
    run: <A>(connection: Connection, name: WritingScript, args: ReadonlyArray<string>) =>
      new Promise<A>((resolve, reject) => {
        const { lua } = scripts[name]
        writerTo(connection)({ by: "evalsha", lua, args, resolve: (answer) => resolve(answer as A), reject })
      })
  }
}

/**
 * Returns a function that sends writes, in rounds: all that come while others are under way are sent together after those,
 * whatever shards they are for. A WAIT, which holds up the connection, is sent with each round in one go. It stands for what the
 * connection wrote before it, hence no write may be sent again by the client itself.
 */
const makeRounds = (connection: Connection, replicas: number) => {
  let waiting: Array<Write> = []
  let busy = false

  const send = async (writes: ReadonlyArray<Write>): Promise<void> => {
    const pipeline = connection.pipeline()
    for (const { args, by, lua } of writes) {
      const [numberOfKeys = "0", ...others] = args
      pipeline[by](by === "eval" ? lua : digestOf(lua), numberOfKeys, ...others)
    }
    pipeline.wait(replicas, replicaTimeout)
    const answers = (await pipeline.exec()) ?? []
    const [failure, copies] = answers.at(-1) ?? []
    const missing = failure ?? (Number(copies) >= replicas ? undefined : tooFew(Number(copies), replicas))
    const unknown: Array<Write> = []
    for (const [index, write] of writes.entries()) {
      const [error, answer] = answers[index] ?? []
      if (error?.message.startsWith("NOSCRIPT")) unknown.push({ ...write, by: "eval" })
      else if (error || missing) write.reject(error ?? missing)
      else write.resolve(answer)
    }
    waiting.unshift(...unknown)
    if (missing) throw missing
  }

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const writes = waiting
      waiting = []
      try {
        await send(writes)
      } catch (cause) {
        // Those that wait would wait as long again.
        const failed = [...writes, ...waiting]
        waiting = []
        for (const { reject } of failed) reject(cause)
      }
    }
    busy = false
  }

  return (write: Write): void => {
    waiting.push(write)
    if (busy) return
    busy = true
    queueMicrotask(() => void sendAll())
  }
}

const tooFew = (copies: number, replicas: number): Error =>
  new Error(`${copies} of the ${replicas} replicas that APPEND_REPLICAS asks for have it in time`)

/** How long a fence's key is kept, in ms. */
const fenceKept = 60_000

/**
 * Waits until replicas have all that a shard's Redis has written by now, and holds up the connection `by` meanwhile. What a
 * consumer was given is counted only then: else a vote that got no 201 yet would count, and once more where a replica takes over
 * without it and its client sends it again.
 */
export type Fence = (shard: Pick<Shard, "keyPrefix">, by: Connection) => Effect.Effect<void, OutOfService>

/** Makes a fence for `replicas` replicas; for none, it waits for nothing. */
export const makeFence = (replicas: number): Fence => {
  if (replicas === 0) return () => Effect.void
  const writes = makeReplicatedWrites(replicas)
  return ({ keyPrefix }, by) =>
    Effect.asVoid(command(() => writes.run(by, "fence", ["1", `${keyPrefix}:fence`, String(fenceKept)])))
}
