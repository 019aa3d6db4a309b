import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { within } from "./within.ts"

/** Turns the event loop so often that the watch is looked at each time. */
const turns = (times: number) =>
  Effect.forEach(Array.from({ length: times }), () => Effect.sleep(10), { discard: true })

const standStill = Effect.sync(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000))

describe("a limit in time", () => {
  it.live("is kept by what takes less, however long the process stands still meanwhile", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* within(900, Effect.as(standStill, "done")), "done")
    })
  )

  it.live("is not kept by what takes longer", () =>
    Effect.map(Effect.exit(within(200, turns(50))), (exit) => assert.isTrue(Exit.isFailure(exit)))
  )
})
