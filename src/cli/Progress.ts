import { Effect } from "effect"
import { elapsed } from "../Elapsed.ts"
import { Terminal } from "./Terminal.ts"

/** How long something may take, in ms, before a person at a terminal is told how far it is, and how often then. */
const patience = 1_000
const interval = 200

/** Tells a person at a terminal what a command does, once that takes a while. */
export interface Progress {
  /** Tells how far it is. */
  tell(text: string): Effect.Effect<void>
  /** Tells what is being done, and for how many seconds, while one part of it is that can't say how far it is. */
  during<A, E, R>(text: string, part: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>
}

/** Runs what may take a while. What was told is gone at its end; where stderr is no terminal, nothing is told. */
export const withProgress = <A, E, R>(body: (progress: Progress) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const { stderr } = yield* Terminal
    if (stderr.isTTY !== true) return yield* body(silent)
    let due = (yield* elapsed) + patience
    let shown = false
    const write = (text: string) => Effect.sync(() => void stderr.write(`\r\u001b[K${text}`))
    const tell = (text: string) =>
      Effect.flatMap(elapsed, (now) => {
        if (now < due) return Effect.void
        due = now + interval
        shown = true
        return write(text)
      })
    const during: Progress["during"] = (text, part) =>
      Effect.flatMap(elapsed, (started) => {
        const tick = Effect.flatMap(elapsed, (now) => tell(`${text}: ${Math.floor((now - started) / 1_000)} s`))
        return Effect.scoped(
          Effect.andThen(Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(interval), tick))), part)
        )
      })
    const clear = Effect.suspend(() => (shown ? write("") : Effect.void))
    return yield* Effect.ensuring(body({ tell, during }), clear)
  })

const silent: Progress = { tell: () => Effect.void, during: (_, part) => part }
