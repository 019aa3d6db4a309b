import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { drawOrder, TieBreaker } from "../../../src/domain/tabulation/Ties.ts"
import { count, tieSeed } from "../../support/rankings.ts"

/** What the examples below rest on: with this seed, of `a` to `e` the draw is e, a, d, b, c. */
const drawn = ["e", "a", "d", "b", "c"]

describe("drawOrder", () => {
  it("is that of the hashes of seed and id", () => {
    assert.deepStrictEqual(drawOrder(tieSeed, ["a", "b", "c", "d", "e"]), drawn)
    assert.deepStrictEqual(drawOrder(tieSeed, ["c", "e", "b"]), ["e", "b", "c"])
    assert.deepStrictEqual(drawOrder(new Uint8Array(32).fill(255), ["a", "b", "c", "d", "e"]), [
      "d",
      "b",
      "a",
      "c",
      "e"
    ])
  })

  /* Whether there is a Python here is not known: what its lines print is in the document, and this holds ours to that. */
  it("is the one that docs/polls.md prints with Python", () => {
    const document = readFileSync(new URL("../../../docs/polls.md", import.meta.url), "utf8")
    const [, seed = ""] = /^seed = bytes\.fromhex\("([0-9a-f]{64})"\)$/m.exec(document) ?? []
    const [, ids = ""] = /^options = \[(.*)\]$/m.exec(document) ?? []
    const options = [...ids.matchAll(/"([^"]+)"/g)].map(([, id = ""]) => id)
    const printed = [...document.matchAll(/^([0-9a-f]{64}) ([a-z0-9-]+)$/gm)].map(([, hash, id]) => ({ hash, id }))
    assert.isAtLeast(options.length, 3)
    const hashOf = (id: string) => createHash("sha256").update(Buffer.from(seed, "hex")).update(id).digest("hex")
    assert.deepStrictEqual(
      drawOrder(Buffer.from(seed, "hex"), options).map((id) => ({ hash: hashOf(id), id })),
      printed
    )
  })
})

describe("a tie for an elimination", () => {
  const ballots = [
    [4, "a"],
    [3, "b>a"],
    [2, "c>b"],
    [1, "d>c"]
  ] as const

  it("is broken by the round before", () => {
    // Round 2 has a 4, b 3 and c 3; in round 1 c had 2.
    const { rounds, ties } = count(["a", "b", "c", "d"], ballots, { method: "irv" })
    assert.strictEqual(rounds[1]?.eliminated, "c")
    assert.deepStrictEqual(ties, [
      {
        round: 2,
        choice: "elimination",
        options: ["b", "c"],
        chosen: "c",
        by: "previous_rounds",
        decided_by_round: 1
      }
    ])
  })

  it("is drawn at once where the poll says so", () => {
    const more = [...ballots.slice(0, 2), [2, "d>b"], [1, "c>d"]] as const
    // Round 2 has a 4, b 3 and d 3; in round 1 d had 2, and the draw is d, b.
    const rules = { method: "irv", tieBreak: "draw" } as const
    const { ties } = count(["a", "b", "c", "d"], more, rules)
    assert.deepStrictEqual(ties, [
      { round: 2, choice: "elimination", options: ["b", "d"], chosen: "b", by: "draw", drawn: ["d", "b"] }
    ])
  })

  it("is drawn between those that the rounds before leave", () => {
    // Round 2 has b, c and d with 4 each; in round 1 b and c had 3, and d 4.
    const { ties } = count(
      ["a", "b", "c", "d", "e"],
      [
        [5, "a"],
        [3, "b>a"],
        [3, "c>a"],
        [4, "d>a"],
        [1, "e>b"],
        [1, "e>c"]
      ],
      { method: "irv" }
    )
    assert.deepStrictEqual(ties[0], {
      round: 2,
      choice: "elimination",
      options: ["b", "c", "d"],
      chosen: "c",
      by: "draw",
      drawn: ["b", "c"]
    })
  })

  it("is between those only that the rounds looked at have left", () => {
    const rules = { method: "irv", seats: 1, tieBreak: "previous_rounds", tieSeed } as const
    const ties = new TieBreaker(rules, ["a", "b", "c"])
    // Round 2 leaves a and b. That c had the fewest votes in round 1 does not matter then.
    const history = [Float64Array.of(3, 2, 1), Float64Array.of(4, 4, 5), Float64Array.of(6, 6, 6)]
    assert.strictEqual(ties.choose("elimination", [0, 1, 2], history), 1)
    assert.deepInclude(ties.ties[0], { options: ["a", "b", "c"], chosen: "b", decided_by_round: 1 })
    assert.strictEqual(ties.choose("surplus", [0, 1, 2], history), 2)
    assert.deepInclude(ties.ties[1], { chosen: "c", decided_by_round: 2 })
  })

  it("goes back as many rounds as it takes", () => {
    // b and c have 3 each in rounds 3 and 2; in round 1 b had 2.
    const { ties } = count(
      ["a", "b", "c", "d", "e"],
      [
        [5, "a"],
        [2, "b"],
        [3, "c"],
        [2, "d"],
        [1, "e>b"]
      ],
      { method: "irv" }
    )
    assert.deepStrictEqual(ties, [
      {
        round: 3,
        choice: "elimination",
        options: ["b", "c"],
        chosen: "b",
        by: "previous_rounds",
        decided_by_round: 1
      }
    ])
  })
})

describe("a tie of surpluses", () => {
  it("is told, with whose goes first", () => {
    const { rounds, ties } = count(
      ["a", "b", "c", "d"],
      [
        [6, "b>c"],
        [6, "a>c"],
        [2, "c"],
        [1, "d"]
      ],
      { method: "stv", seats: 3 }
    )
    assert.deepStrictEqual(rounds[0]?.elected, ["a", "b"])
    assert.strictEqual(rounds[0]?.transfer?.from, "a")
    assert.deepStrictEqual(ties, [
      { round: 1, choice: "surplus", options: ["a", "b"], chosen: "a", by: "draw", drawn: ["a", "b"] }
    ])
  })

  it("names those that are tied in the poll's order, whoever was elected first", () => {
    // The quota is 8. Round 1 elects a and b; half of each of a's ballots goes to c, which round 2 elects: it has 9 as b has.
    const { rounds, ties } = count(
      ["c", "a", "b", "d", "e"],
      [
        [16, "a>c"],
        [9, "b>d"],
        [1, "c"],
        [5, "d"],
        [6, "e"]
      ],
      { method: "stv", seats: 4 }
    )
    assert.deepStrictEqual(
      rounds.slice(0, 2).map(({ elected }) => elected),
      [["a", "b"], ["c"]]
    )
    assert.deepStrictEqual(ties, [
      { round: 2, choice: "surplus", options: ["c", "b"], chosen: "b", by: "previous_rounds", decided_by_round: 1 }
    ])
  })

  it("goes to who had more votes before", () => {
    // The quota is 8. Round 2 elects a and b, which have 9 each; in round 1 b had 7 and a 6.
    const { rounds, ties } = count(
      ["a", "b", "c", "d", "e"],
      [
        [6, "a>c"],
        [7, "b>d"],
        [6, "c"],
        [6, "d"],
        [3, "e>a"],
        [2, "e>b"]
      ],
      { method: "stv", seats: 3 }
    )
    assert.strictEqual(rounds[1]?.transfer?.from, "b")
    assert.deepStrictEqual(ties, [
      { round: 2, choice: "surplus", options: ["a", "b"], chosen: "b", by: "previous_rounds", decided_by_round: 1 }
    ])
  })
})

describe("a tie under condorcet", () => {
  it("is told, and the draw elects one of all that lead", () => {
    const { elected, ties, winners } = count(
      ["c", "b", "a"],
      [
        [1, "a>b>c"],
        [1, "b>c>a"],
        [1, "c>a>b"]
      ],
      { method: "condorcet" }
    )
    assert.deepStrictEqual(winners, ["c", "b", "a"])
    assert.deepStrictEqual(elected, ["a"])
    assert.deepStrictEqual(ties, [
      { choice: "winner", options: ["c", "b", "a"], chosen: "a", by: "draw", drawn: ["a", "b", "c"] }
    ])
  })
})
