import { Context, Effect, Layer, type Scope } from "effect"
import { command, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** What an announcement is about: a poll that was made or closed, or a tally that has changed. */
export type Topic = "poll" | "tally"

/**
 * Messages from one process to all others by way of Redis, each about one poll. They may get lost, so whoever listens also
 * looks by itself now and then.
 */
export class Announcements extends Context.Service<
  Announcements,
  {
    announce(topic: Topic, poll: string): Effect.Effect<void>
    /** Calls `listener` with the poll for each announcement, until the scope closes. */
    listen(topic: Topic, listener: (poll: string) => void): Effect.Effect<void, never, Scope.Scope>
  }
>()("tallykeep/stream/Announcements") {
  static readonly layer = Layer.effect(
    Announcements,
    Effect.gen(function* () {
      const redis = yield* Redis
      const { stream } = yield* StreamSettings
      const listeners: Record<Topic, Set<(poll: string) => void>> = { poll: new Set(), tally: new Set() }
      const channels: Record<string, Topic> = {
        [channelOf(stream, "poll")]: "poll",
        [channelOf(stream, "tally")]: "tally"
      }
      const connection = yield* redis.listener("announcements")
      connection.on("message", (channel: string, poll: string) => {
        const topic = channels[channel]
        if (topic !== undefined) for (const listener of listeners[topic]) listener(poll)
      })
      /** A process hears only of what it listens to: one that counts makes news with each batch, and needs none of it. */
      const subscribe = () => {
        const wanted = Object.entries(channels).flatMap(([channel, topic]) =>
          listeners[topic].size > 0 ? [channel] : []
        )
        if (wanted.length > 0 && connection.status === "ready") connection.subscribe(...wanted).catch(() => undefined)
      }
      // Each new connection subscribes again; one that breaks before that comes back with another "ready".
      connection.on("ready", subscribe)

      return Announcements.of({
        announce: (topic, poll) => Effect.ignore(command(() => redis.client.publish(channelOf(stream, topic), poll))),
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

/** The channel of Redis's that a stream's announcements go through. */
export const channelOf = (stream: string, topic: Topic): string => `${stream}:${topic}`
