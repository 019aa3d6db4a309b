import { Effect, Schedule, Stream } from "effect"
import type { Unavailable } from "../../domain/Problems.ts"
import { comment, heartbeat } from "./Viewer.ts"

/** How often frames that can't be had for now are asked for. */
const interval = "1 second"

/**
 * Returns what is `meanwhile` to be sent, and then `frames`, with comments until they can be had, or until `stop`. It ends where
 * they are refused for another reason than an outage: whoever comes back is told that reason. A browser does not come back from a 503.
 */
export const awaitFrames = <E extends { readonly _tag: string }>(
  stop: Effect.Effect<void>,
  frames: Effect.Effect<Stream.Stream<Uint8Array>, E | Unavailable>,
  meanwhile: Stream.Stream<Uint8Array> = Stream.empty
): Stream.Stream<Uint8Array> =>
  Stream.concat(
    meanwhile,
    Stream.unwrap(
      frames.pipe(
        Effect.retry({ schedule: Schedule.spaced(interval), while: ({ _tag }) => _tag === "Unavailable" }),
        Effect.orElseSucceed(() => Stream.empty)
      )
    )
  ).pipe(
    Stream.merge(
      Stream.map(Stream.tick(heartbeat), () => comment),
      { haltStrategy: "left" }
    ),
    Stream.interruptWhen(stop)
  )
