import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { elapsed } from "../Elapsed.ts"
import type { Connection } from "./Redis.ts"
import { command } from "./Redis.ts"

/** The state of a stream at one moment. */
export interface StreamState {
  readonly stream: string
  /** How many entries it holds. */
  readonly length: number
  /** How many of them no consumer was given yet. */
  readonly lag: number
  /** How many were given to a consumer and are not acked. */
  readonly pending: number
  /** How long the oldest entry that is not acked has waited, in ms. */
  readonly oldestMs: number
  /** How many consumers that read Redis has heard of lately. */
  readonly consumers: number
  /** Its Redis's clock, in ms since 1970. */
  readonly timeMs: number
  /** The time of its last id, which never goes back; 0 where it has none. */
  readonly lastMs: number
  /** When Redis was asked for all of this, and when it had answered, in ms of `elapsed`. */
  readonly askedAt: number
  readonly answeredAt: number
}

/** A consumer that reads asks again after each BLOCK_MS; one that is silent for this much longer, in ms, is gone. */
const silence = 10_000

/** What the name of a consumer ends with that reads nothing new, and only takes over what others left. */
export const takingOver = "-reclaim"

export interface StateOptions {
  readonly stream: string
  readonly group: string
  readonly blockMs: number
}

/** Reads the state of a stream from its Redis. */
export const readState = (
  client: Connection,
  { blockMs, group, stream }: StateOptions
): Effect.Effect<StreamState, OutOfService> =>
  Effect.gen(function* () {
    const askedAt = yield* elapsed
    const answer = yield* command(() => client.streamState(stream, group, blockMs + silence, takingOver))
    const answeredAt = yield* elapsed
    const [length, lag, pending, oldestMs, consumers, timeMs, last] = answer
    return { stream, length, lag, pending, oldestMs, consumers, timeMs, lastMs: Number(last), askedAt, answeredAt }
  })

/** Returns how many votes are accepted and not yet counted. */
export const backlogOf = (states: ReadonlyArray<StreamState>): number =>
  states.reduce((sum, { lag, pending }) => sum + lag + pending, 0)

/** Returns the time that an entry appended to one of the streams would have, in ms since 1970: of several, the latest. */
export const nextEntryMs = (states: ReadonlyArray<StreamState>): number =>
  Math.max(...states.map(({ lastMs, timeMs }) => Math.max(lastMs, timeMs)))
