import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import type { Connection } from "./Redis.ts"
import { command } from "./Redis.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/** How a stream stands, at one moment. */
export interface StreamState {
  readonly stream: string
  /** Entries that it holds. */
  readonly length: number
  /** Entries that no consumer was given yet. */
  readonly lag: number
  /** Entries given out and not acked. */
  readonly pending: number
  /** How long the oldest of both has waited, in ms. */
  readonly oldestMs: number
  /** Consumers that were heard of lately. */
  readonly consumers: number
}

/** A consumer that reads asks again after each BLOCK_MS; one silent for this much longer, in ms, is not there. */
const silence = 10_000

export const readState = (
  client: Connection,
  { blockMs, group, stream }: StreamSettings["Service"]
): Effect.Effect<StreamState, OutOfService> =>
  Effect.map(
    command(() => client.streamState(stream, group, blockMs + silence)),
    ([length, lag, pending, oldestMs, consumers]) => ({ stream, length, lag, pending, oldestMs, consumers })
  )
