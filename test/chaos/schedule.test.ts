import { assert, describe, it } from "@effect/vitest"
import { makeRandom } from "./random.ts"
import { type FaultKind, failoverKinds, faultKinds, makeSchedule } from "./schedule.ts"

const seeds = [0, 1, 2, 42, 999_999, 2 ** 32 - 1]

const timesOf = (seed: number, duration: number, kinds: ReadonlyArray<FaultKind>): ReadonlyArray<number> => {
  const faults = makeSchedule(seed, duration, kinds)
  return kinds.map((kind) => faults.filter((fault) => fault.kind === kind).length)
}

describe("makeRandom", () => {
  it("gives the same numbers for the same seed, spread evenly from 0 up to 1", () => {
    for (const seed of seeds) {
      const [first, second] = [makeRandom(seed), makeRandom(seed)]
      const numbers = Array.from({ length: 10_000 }, first)
      assert.deepStrictEqual(numbers, Array.from({ length: 10_000 }, second))
      assert.isTrue(numbers.every((number) => number >= 0 && number < 1))
      for (let tenth = 0; tenth < 10; tenth++) {
        const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length
        assert.isTrue(share > 850 && share < 1_150, `${share} of 10,000 in tenth ${tenth} with seed ${seed}`)
      }
    }
  })

  it("gives other numbers for another seed", () => {
    assert.strictEqual(new Set(seeds.map((seed) => makeRandom(seed)())).size, seeds.length)
  })
})

describe("makeSchedule", () => {
  it("depends on the seed alone", () => {
    assert.deepStrictEqual(makeSchedule(7, 60_000), makeSchedule(7, 60_000))
    assert.notDeepEqual(makeSchedule(7, 60_000), makeSchedule(8, 60_000))
  })

  it("is the beginning of a longer one", () => {
    const short = makeSchedule(7, 60_000)
    assert.deepStrictEqual(makeSchedule(7, 600_000).slice(0, short.length), short)
  })

  it("has each kind at least ten times in ten minutes, and more than twice in one", () => {
    for (const kinds of [faultKinds, failoverKinds]) {
      for (const seed of seeds) {
        assert.isAtLeast(Math.min(...timesOf(seed, 600_000, kinds)), 10, `seed ${seed}`)
        assert.isAtLeast(Math.min(...timesOf(seed, 60_000, kinds)), 3, `seed ${seed}`)
      }
    }
  })

  it("has a fault every 0.3 to 1 s, within the run", () => {
    for (const seed of seeds) {
      let before = 0
      for (const { at, size, target } of makeSchedule(seed, 60_000)) {
        assert.isTrue(at - before >= 300 && at - before <= 1_000 && at < 60_000)
        assert.isTrue(size >= 0 && size < 1 && target >= 0 && target < 1)
        before = at
      }
      assert.isAtLeast(before, 59_000)
    }
  })
})
