import { Effect } from "effect"
import { elapsed } from "../Elapsed.ts"

/** How long something may take, in ms, before a person at a terminal is told how far it is, and how often then. */
const patience = 1_000
const interval = 200

/** Tells a person at a terminal how far something is, once that takes a while; `clear` takes it away. */
export interface Progress {
  readonly tell: (text: string) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
}

/** Begins to tell; where stderr is no terminal, nothing is said. */
export const makeProgress: Effect.Effect<Progress> = Effect.map(elapsed, (started) => {
  let due = started + patience
  let shown = false
  const write = (text: string) => Effect.sync(() => void process.stderr.write(`\r\u001b[K${text}`))
  const tell = (text: string) =>
    Effect.flatMap(elapsed, (now) => {
      if (now < due || process.stderr.isTTY !== true) return Effect.void
      due = now + interval
      shown = true
      return write(text)
    })
  return { tell, clear: Effect.suspend(() => (shown ? write("") : Effect.void)) }
})
