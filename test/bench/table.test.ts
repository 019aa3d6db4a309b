import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Bench, figureRow, median, ratioRow } from "../../bench/harness.ts"
import { table } from "../../bench/table.ts"

const bench: Bench = { name: "ingest", about: "votes taken", run: () => Promise.resolve([]) }

const lines = (quick = false) =>
  table(
    bench,
    [
      figureRow("tallykeep", "votes/s", [900, 1_234.5, 2_000], { cpu: { own: 41.26, Redis: 7 } }),
      figureRow("FastAPI", "votes/s", [], { note: "skipped: no python3" }),
      ratioRow("tallykeep / bare", [900, 1_234.5, 2_000], [1_000, 1_000, 1_000], { atLeast: 1 }),
      ratioRow("tallykeep / Fastify", [900, 900, 900], [1_000, 1_000, 500], { atLeast: 1 }),
      ratioRow("tallykeep / FastAPI", [900], [], { atLeast: 4 }),
      figureRow("api", "MB", [120], { target: { atMost: 150 } })
    ],
    quick
  ).split("\n")

describe("the table of a benchmark", () => {
  it.effect("has the median, the range and the CPU time of each side, and says why one is missing", () =>
    Effect.sync(() => {
      const [title, , ours = "", missing = ""] = lines()
      assert.strictEqual(title, "ingest: votes taken")
      assert.match(ours, /^ {2}tallykeep +1,235 {2}votes\/s {2}900 … 2,000 +41\.3, Redis 7$/)
      assert.match(missing, /^ {2}FastAPI +- {2}votes\/s +skipped: no python3$/)
    })
  )

  it.effect("has ratios of each round, and says which targets are reached", () =>
    Effect.sync(() => {
      const [, , , , bare = "", fastify = "", fastapi = "", api = ""] = lines()
      assert.match(bare, / 1\.23 {2}x +0\.9 … 2 +at least 1: reached$/)
      assert.match(fastify, / 0\.9 {2}x +0\.9 … 1\.8 +at least 1: MISSED$/)
      assert.match(fastapi, / - {2}x +at least 4$/)
      assert.match(api, / 120 {2}MB +120 … 120 +at most 150: reached$/)
      assert.notMatch(lines(true).join("\n"), /reached|MISSED/)
    })
  )

  it.effect("takes the middle of an even number of rounds", () =>
    Effect.sync(() => {
      assert.strictEqual(median([4, 1, 3, 2]), 2.5)
      assert.strictEqual(median([3]), 3)
    })
  )
})
