import { Effect, Latch } from "effect"
import { elapsed, untilBeat } from "../Elapsed.ts"
import { Announcements, type Topic } from "./Announcements.ts"

/** When something is to be done again; times in ms. */
export interface Turns {
  /** What there may be something to do after. */
  readonly topics: ReadonlyArray<Topic>
  /** How long it is left alone, whatever is announced. */
  readonly soonest: number
  /** How long it is left alone at most: what is announced may get lost. */
  readonly latest: number
  /** The same while it finds nothing going on. */
  readonly quiet?: number
}

/**
 * Does something again and again, as long as the process lives: soon after there may be something to do, and now and then. So a
 * process that has nothing to do asks nobody many times a second. A turn may return false, where nothing goes on.
 */
export const takeTurns = Effect.fnUntraced(function* <R>(
  turn: Effect.Effect<unknown, never, R>,
  { latest, quiet = latest, soonest, topics }: Turns
) {
  const { listen } = yield* Announcements
  const news = Latch.makeUnsafe(false)
  yield* Effect.forEach(topics, (topic) => listen(topic, () => void news.openUnsafe()), { discard: true })
  return yield* Effect.gen(function* () {
    // What is announced from now on may come too late for this turn.
    news.closeUnsafe()
    const busy = yield* turn
    const ended = yield* elapsed
    yield* Effect.timeoutOption(news.await, yield* untilBeat(busy === false ? quiet : latest))
    const since = (yield* elapsed) - ended
    if (since < soonest) yield* Effect.sleep(soonest - since)
  }).pipe(Effect.forever)
})
