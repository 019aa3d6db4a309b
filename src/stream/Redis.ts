import { Context, Effect, type Scope } from "effect"
import type { Redis as IoRedis } from "ioredis"
import { OutOfService } from "../domain/Problems.ts"
import type { Scripts } from "./Scripts.ts"

/** How long Redis may take to answer, in ms: a voter who waits for that gets a 503 within a second. */
export const commandTimeout = 900

/** Why a server can't be used, though it answers: its version, its role, or that it lacks the database or replicas. */
export class Unsuitable extends Error {
  override readonly name = "Unsuitable"
}

/** A connection, with our scripts as commands. */
export type Connection = IoRedis &
  Scripts & { /** Set while its server can't be used. */ unsuitable?: Unsuitable | undefined }

/** The connections to Redis, or to the nodes of a Redis Cluster. */
export class Redis extends Context.Service<
  Redis,
  {
    /**
     * The connection that all commands that don't block share: pipelined, never queued while Redis is away, never re-sent.
     * In a cluster it leads to one of the nodes, for commands that concern no key.
     */
    readonly client: Connection
    /** The same to the node that has `key`. Not to be kept, since a key can move to another node. */
    readonly clientOf: (key: string) => Connection
    /** The same, for writes that wait for replicas: nothing but those goes by it, since what is behind one has to wait, too. */
    readonly writerOf: (key: string) => Connection
    /**
     * Makes a connection of its own, for reads that block; it is closed with the scope. In a cluster it leads to the node that
     * has `key` at the time when it connects, or to any node.
     */
    dedicated(name: string, key?: string): Effect.Effect<Connection, never, Scope.Scope>
    /** Makes a connection of its own to any node, to listen to channels; it is closed with the scope. */
    listener(name: string): Effect.Effect<Connection, never, Scope.Scope>
    /** Whether keys that are used together need a hash tag in common. */
    readonly clustered: boolean
  }
>()("tallykeep/stream/Redis") {}

/** Returns the server that a connection leads to, as spans tell it. */
export const serverOf = ({ options: { host, path, port } }: Connection): Readonly<Record<string, unknown>> =>
  path === undefined ? { "server.address": host, "server.port": port } : { "server.address": path }

/** What the driver says of a connection that is not there, or Redis 7.0 of a command that its user lacks, and what an operator understands. */
const plainWords: ReadonlyArray<readonly [begins: string, words: string]> = [
  ["Stream isn't writeable", "There is no connection"],
  ["Reached the max retries per request", "The connection was lost"],
  ["ERR The user executing the script can't run", "Redis's user lacks a command that a script runs: ACL LOG names it"]
]

const inPlainWords = (cause: unknown): unknown => {
  if (!(cause instanceof Error)) return cause
  const found = plainWords.find(([begins]) => cause.message.startsWith(begins))
  return found === undefined ? cause : Object.assign(new Error(found[1]), { name: cause.name })
}

/** Runs a command; it fails as Redis being out of service, with the driver's error as the cause. */
export const command = <A>(run: () => Promise<A>): Effect.Effect<A, OutOfService> =>
  Effect.callback((resume) => {
    run().then(
      (value) => resume(Effect.succeed(value)),
      (cause: unknown) => resume(Effect.fail(new OutOfService({ part: "redis", cause: inPlainWords(cause) })))
    )
  })

/** Whether an error is Redis's own answer, rather than that there was none. */
export const isReply = (error: OutOfService): boolean =>
  error.cause instanceof Error && error.cause.name === "ReplyError"

/** Whether Redis is there and does not do what it is asked, rather than away. */
export const isRefusal = (error: OutOfService): boolean => isReply(error) || error.cause instanceof Unsuitable

/** Whether an error says that the stream or its group is gone, as after a FLUSHALL: the group can be made again. */
export const isGroupGone = (error: OutOfService): boolean =>
  error.cause instanceof Error && /^(NOGROUP|UNBLOCKED the stream key no longer exists)\b/.test(error.cause.message)

/** Whether an error says that a read was woken, by `CLIENT UNBLOCK … ERROR`. */
export const isWoken = (error: OutOfService): boolean =>
  error.cause instanceof Error && error.cause.message.startsWith("UNBLOCKED client unblocked via CLIENT UNBLOCK")

/** Whether an error says that the server has become a replica, where nothing can be written: another one is the master. */
export const isDemoted = ({ message }: Error): boolean =>
  /^(READONLY\b|UNBLOCKED .*instance state changed)/.test(message)
