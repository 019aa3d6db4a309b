import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
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
  /** How many consumers Redis has heard of lately. */
  readonly consumers: number
}

/** A consumer that reads asks again after each BLOCK_MS; one that is silent for this much longer, in ms, is gone. */
const silence = 10_000

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
  Effect.map(
    command(() => client.streamState(stream, group, blockMs + silence)),
    ([length, lag, pending, oldestMs, consumers]) => ({ stream, length, lag, pending, oldestMs, consumers })
  )
