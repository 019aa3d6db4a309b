import { Context, Effect, FiberHandle, Layer, Schedule, type Scope } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { reasonOf } from "../domain/ReasonOf.ts"
import { makeOutageLog } from "./Outage.ts"
import { command, isReply, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** What an announcement is about: a poll that was made or closed, a tally that has changed, a stream with entries that were given back. */
export type Topic = "poll" | "tally" | "left"

/** How soon to ask again for messages that Redis refuses: nothing tells when its user may have them. */
const refusedPause = "2 seconds"

/**
 * Messages from one process to all others by way of Redis, about one poll or several. They may get lost, so whoever listens
 * also looks by itself now and then.
 */
export class Announcements extends Context.Service<
  Announcements,
  {
    /** Sends one message, whose cost hardly depends on how many polls it names. */
    announce(topic: Topic, ...polls: ReadonlyArray<string>): Effect.Effect<void>
    /**
     * Calls `listener` with each poll that is announced, until the scope closes; with undefined once messages may have been lost, which
     * may have been of any poll.
     */
    listen(topic: Topic, listener: (poll: string | undefined) => void): Effect.Effect<void, never, Scope.Scope>
  }
>()("tallykeep/stream/Announcements") {
  static readonly layer = Layer.effect(
    Announcements,
    Effect.gen(function* () {
      const redis = yield* Redis
      const { stream } = yield* StreamSettings
      const listeners: Record<Topic, Set<(poll: string | undefined) => void>> = {
        poll: new Set(),
        tally: new Set(),
        left: new Set()
      }
      const channels: Record<string, Topic> = {
        [channelOf(stream, "poll")]: "poll",
        [channelOf(stream, "tally")]: "tally",
        [channelOf(stream, "left")]: "left"
      }
      const connection = yield* redis.listener("announcements")
      connection.on("message", (channel: string, message: string) => {
        const topic = channels[channel]
        if (topic === undefined) return
        for (const poll of message.split(separator)) for (const listener of listeners[topic]) listener(poll)
      })
      const outage = makeOutageLog("Announcing what changes")
      const remedy = `Let Redis's user use the channels ${stream}:*, or others hear of what changes late.`
      /** Tells where Redis refuses. Where it is away, others tell that. */
      const telling = <A>(asked: Effect.Effect<A, OutOfService>) =>
        asked.pipe(
          Effect.tap(outage.up),
          Effect.tapError((error) =>
            isReply(error) ? outage.down("announce what changes", reasonOf(error.cause), remedy) : Effect.void
          )
        )
      let missed = false
      const tellOfMissed = Effect.sync(() => {
        if (!missed) return
        missed = false
        for (const all of Object.values(listeners)) for (const listener of all) listener(undefined)
      })
      const run = yield* FiberHandle.makeRuntime<never>()
      /** A process hears only of what it listens to: a message comes with each batch that is counted. */
      const subscribe = () => {
        const wanted = Object.entries(channels).flatMap(([channel, topic]) =>
          listeners[topic].size > 0 ? [channel] : []
        )
        if (wanted.length === 0 || connection.status !== "ready") return
        run(
          telling(command(() => connection.subscribe(...wanted))).pipe(
            Effect.retry({ schedule: Schedule.spaced(refusedPause), while: isReply }),
            Effect.andThen(tellOfMissed),
            Effect.ignore
          )
        )
      }
      // Each new connection subscribes again; one that breaks before that comes back with another "ready".
      connection.on("ready", subscribe)
      connection.on("close", () => {
        missed = true
      })

      return Announcements.of({
        announce: (topic, ...polls) =>
          polls.length === 0 ? Effect.void : Effect.ignore(telling(announceTo(redis, stream, topic, ...polls))),
        listen: (topic, listener) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              listeners[topic].add(listener)
              if (listeners[topic].size === 1) subscribe()
            }),
            () => Effect.sync(() => listeners[topic].delete(listener))
          )
      })
    })
  )
}

/** No slug has it. */
const separator = " "

/** The channel of Redis's that a stream's announcements go through. */
export const channelOf = (stream: string, topic: Topic): string => `${stream}:${topic}`

/** Sends one message to all who listen to a stream's announcements. */
export const announceTo = (
  redis: Redis["Service"],
  stream: string,
  topic: Topic,
  ...polls: ReadonlyArray<string>
): Effect.Effect<void, OutOfService> =>
  Effect.asVoid(command(() => redis.client.publish(channelOf(stream, topic), polls.join(separator))))
