import { Context, Effect, type Scope } from "effect"
import type { Redis as IoRedis } from "ioredis"
import { OutOfService } from "../domain/Problems.ts"
import type { Scripts } from "./Scripts.ts"

/** How long Redis may take for an answer, in ms: whoever waits for a vote's is told within a second (a 503). */
export const commandTimeout = 900

/** A connection, with our scripts as commands. */
export type Connection = IoRedis & Scripts

/** The connections to Redis, or to the nodes of a Redis Cluster. */
export class Redis extends Context.Service<
  Redis,
  {
    /**
     * Shared by all commands that don't block: pipelined, never queued while Redis is away, never re-sent. Of a cluster,
     * one of the nodes, for what concerns no key.
     */
    readonly client: Connection
    /** The same, to the node that has `key`: asked for anew each time, since a key can move to another node. */
    readonly clientOf: (key: string) => Connection
    /**
     * A connection of its own, for reads that block; closed with the scope. Of a cluster, to the node that has `key`
     * whenever it connects, or to any.
     */
    dedicated(name: string, key?: string): Effect.Effect<Connection, never, Scope.Scope>
    /** Whether keys that are used together need a hash tag in common. */
    readonly clustered: boolean
  }
>()("tallykeep/stream/Redis") {}

/** Runs a command; whatever goes wrong is Redis being out of service, with the driver's error as the cause. */
export const command = <A>(run: () => Promise<A>): Effect.Effect<A, OutOfService> =>
  Effect.callback((resume) => {
    run().then(
      (value) => resume(Effect.succeed(value)),
      (cause: unknown) => resume(Effect.fail(new OutOfService({ part: "redis", cause })))
    )
  })

/** Whether it is Redis's own answer, and not that there was none. */
export const isReply = (error: OutOfService): boolean =>
  error.cause instanceof Error && error.cause.name === "ReplyError"

/** Whether the stream or its group is gone, as after a FLUSHALL: the group can be made again. */
export const isGroupGone = (error: OutOfService): boolean =>
  error.cause instanceof Error && /^(NOGROUP|UNBLOCKED)\b/.test(error.cause.message)
