import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { cachedFor, elapsed, onBeat, onBeatWhileBusy } from "../src/Elapsed.ts"
import { makeOutageLog } from "../src/stream/Outage.ts"
import { makeSteppedClock } from "./support/steppedClock.ts"

const src = fileURLToPath(new URL("../src/", import.meta.url))

/** What reads the wall clock, or compares two readings of it on our behalf. */
const readings =
  /\bDate\.now\b|\bnew Date\(\)|\bcurrentTime(?:Millis|Nanos)(?:Unsafe)?\b|\bDateTime\.now\w*|\bcachedWithTTL\b|\bCache\.make\w*/g

/** Where a moment is meant, and what it is. */
const moments: Readonly<Record<string, string>> = {
  "Elapsed.ts": "how far servers' clocks are from ours",
  "consumer/CountMetrics.ts": "how long ago a vote was accepted, by Redis's clock",
  "consumer/LedgerRetention.ts": "which votes are old, by the clocks of three servers",
  "domain/Vote.ts": "the time in a vote's identity",
  "embedded/PostgresBinaries.ts": "a folder's name",
  "embedded/PostgresServer.ts": "a folder's name",
  "http/NodeServer.ts": "the Date of an answer that Node would write itself",
  "http/voting/Ballots.ts": "when a vote was cast",
  "http/voting/Challenges.ts": "until when a challenge holds, which other processes check",
  "http/voting/ProviderTokens.ts": "whether a provider's token was issued in the future",
  "layers/ProcessMetrics.ts": "when the process was started",
  "stream/StreamClock.ts": "the time that polls close by, until Redis was seen",
  "web/poll/live.ts": "whether the machine has slept, which only asks for the results again"
}

describe("a wall clock that is set back", () => {
  it("is read only where a moment is meant, never for an age", () => {
    const files = globSync("**/*.ts", { cwd: src })
    const found = files.filter((file) => readFileSync(join(src, file), "utf8").match(readings) !== null)
    assert.deepStrictEqual(found.toSorted(), Object.keys(moments).toSorted())
  })

  it.effect("changes nothing about elapsed time", () =>
    Effect.gen(function* () {
      const { layer, step } = yield* makeSteppedClock
      yield* Effect.gen(function* () {
        const before = yield* elapsed
        step(-3_600_000)
        yield* TestClock.adjust("1500 millis")
        assert.strictEqual((yield* elapsed) - before, 1_500)
        step(7_200_000)
        assert.strictEqual((yield* elapsed) - before, 1_500)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("keeps no answer for longer", () =>
    Effect.gen(function* () {
      const { layer, step } = yield* makeSteppedClock
      yield* Effect.gen(function* () {
        let asked = 0
        const cached = yield* cachedFor(500)(
          Effect.andThen(
            Effect.sleep(10),
            Effect.sync(() => ++asked)
          )
        )
        const both = Effect.all([cached, cached], { concurrency: "unbounded" })
        const first = yield* Effect.forkChild(both)
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(first.pollUnsafe()?._tag, "Success")
        step(-3_600_000)
        yield* TestClock.adjust(499)
        assert.strictEqual(yield* cached, 1)
        yield* TestClock.adjust(1)
        const second = yield* Effect.forkChild(both)
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(second.pollUnsafe()?._tag, "Success")
        assert.strictEqual(yield* cached, 2)
        assert.strictEqual(asked, 2)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("leaves the length of an outage what it was", () =>
    Effect.gen(function* () {
      const { layer, step } = yield* makeSteppedClock
      const logged: Array<string> = []
      yield* Effect.gen(function* () {
        const outage = makeOutageLog("Counting")
        yield* outage.down("count", "refused")
        step(-3_600_000)
        yield* TestClock.adjust("2 seconds")
        yield* outage.up
      }).pipe(
        Effect.provide(layer),
        Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))
      )
      assert.strictEqual(logged.at(-1), "Counting again after 2.0 s")
    })
  )
})

it.effect("loops turn at the same moments", () =>
  Effect.gen(function* () {
    const turned: Array<number> = []
    const turn = Effect.flatMap(elapsed, (now) => Effect.as(Effect.sleep(300), turned.push(now)))
    yield* TestClock.adjust(400)
    yield* Effect.forkScoped(Effect.repeat(turn, onBeat(1_000)))
    yield* TestClock.adjust(2_399)
    assert.deepStrictEqual(turned, [400, 1_000, 2_000])
  })
)

it.effect("what finds nothing going on turns every 2 s, at the same moments as the others", () =>
  Effect.gen(function* () {
    const turned: Array<number> = []
    const turn = Effect.map(elapsed, (now) => turned.push(now) % 5 > 2)
    yield* Effect.forkScoped(Effect.repeat(turn, onBeatWhileBusy(500)))
    yield* TestClock.adjust(8_000)
    assert.deepStrictEqual(turned, [0, 2_000, 4_000, 4_500, 5_000, 6_000, 8_000])
  })
)
