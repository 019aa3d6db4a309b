import { assert, describe, it } from "@effect/vitest"
import { count, votesOf } from "../../support/rankings.ts"

/** The capital of Tennessee, as the textbooks have it: 100 voters live around four cities, and rank them by distance. */
const cities = ["memphis", "nashville", "chattanooga", "knoxville"]
const voters = [
  [42, "memphis>nashville>chattanooga>knoxville"],
  [26, "nashville>chattanooga>knoxville>memphis"],
  [15, "chattanooga>knoxville>nashville>memphis"],
  [17, "knoxville>chattanooga>nashville>memphis"]
] as const

describe("irv", () => {
  it("makes Knoxville the capital of Tennessee", () => {
    const { elected, rounds } = count(cities, voters, { method: "irv" })
    assert.deepStrictEqual(elected, ["knoxville"])
    assert.deepStrictEqual(rounds, [
      {
        round: 1,
        votes: [
          { option: "memphis", votes: 42 },
          { option: "nashville", votes: 26 },
          { option: "chattanooga", votes: 15 },
          { option: "knoxville", votes: 17 }
        ],
        exhausted: 0,
        lost: 0,
        elected: [],
        eliminated: "chattanooga",
        transfer: {
          from: "chattanooga",
          of: "elimination",
          to: [{ option: "knoxville", votes: 15 }],
          exhausted: 0,
          lost: 0
        }
      },
      {
        round: 2,
        votes: [
          { option: "memphis", votes: 42 },
          { option: "nashville", votes: 26 },
          { option: "knoxville", votes: 32 }
        ],
        exhausted: 0,
        lost: 0,
        elected: [],
        eliminated: "nashville",
        transfer: {
          from: "nashville",
          of: "elimination",
          to: [{ option: "knoxville", votes: 26 }],
          exhausted: 0,
          lost: 0
        }
      },
      {
        round: 3,
        votes: [
          { option: "memphis", votes: 42 },
          { option: "knoxville", votes: 58 }
        ],
        exhausted: 0,
        lost: 0,
        elected: ["knoxville"]
      }
    ])
  })

  it("needs more than half of the votes that are not exhausted, and no more", () => {
    const { elected, rounds } = count(
      ["a", "b", "c"],
      [
        [5, "a"],
        [4, "b"],
        [2, "c"]
      ],
      { method: "irv" }
    )
    assert.deepStrictEqual(elected, ["a"])
    assert.deepStrictEqual(
      rounds.map(({ exhausted }) => exhausted),
      [0, 2]
    )
    // Half is not more than half.
    const half = count(
      ["a", "b", "c"],
      [
        [5, "a"],
        [3, "b>a"],
        [2, "c>b"]
      ],
      { method: "irv" }
    )
    assert.deepStrictEqual(votesOf(half), [{ a: 5, b: 3, c: 2 }, { a: 5, b: 5 }, { a: 8 }])
  })
})

describe("stv", () => {
  it("transfers surpluses of surpluses as by hand", () => {
    const stv = count(
      ["a", "b", "c", "d", "e"],
      [
        [7, "a>b>c"],
        [3, "b>d"],
        [1, "c"],
        [1, "d"],
        [1, "e>c"]
      ],
      { method: "stv", seats: 3 }
    )
    // 13 / 4 is 3.25.
    assert.strictEqual(stv.quota, 4)
    assert.deepStrictEqual(votesOf(stv), [
      { a: 7, b: 3, c: 1, d: 1, e: 1 },
      // 3 of a's 7 votes go on: each of its ballots is worth 0.4285, and 0.0005 are lost.
      { a: 4, b: 5.9995, c: 1, d: 1, e: 1 },
      // 1.9995 of b's 5.9995 votes go on: 0.4285 becomes 0.1428, and 1 becomes 0.3332; 0.0003 are lost.
      { a: 4, b: 4, c: 1.9996, d: 1.9996, e: 1 },
      { a: 4, b: 4, c: 2.9996, d: 1.9996 },
      { a: 4, b: 4, c: 2.9996 }
    ])
    assert.deepStrictEqual(
      stv.rounds.map(({ elected, eliminated, exhausted, lost }) => [elected, eliminated, exhausted, lost]),
      [
        [["a"], undefined, 0, 0],
        [["b"], undefined, 0, 0.0005],
        [[], "e", 0, 0.0008],
        [[], "d", 0, 0.0008],
        [["c"], undefined, 1.9996, 0.0008]
      ]
    )
    assert.deepStrictEqual(stv.rounds[1]?.transfer, {
      from: "b",
      of: "surplus",
      to: [
        { option: "c", votes: 0.9996 },
        { option: "d", votes: 0.9996 }
      ],
      exhausted: 0,
      lost: 0.0003
    })
    assert.deepStrictEqual(stv.elected, ["a", "b", "c"])
    assert.deepStrictEqual(stv.ties, [])
  })

  it("transfers the larger surplus first, and none to who is elected", () => {
    const stv = count(
      ["a", "b", "c", "d"],
      [
        [6, "a>b>c"],
        [8, "b>a>d"],
        [2, "c"],
        [3, "d"]
      ],
      { method: "stv", seats: 3 }
    )
    assert.deepStrictEqual(votesOf(stv), [
      { a: 6, b: 8, c: 2, d: 3 },
      { a: 6, b: 5, c: 2, d: 6 }
    ])
    assert.deepStrictEqual(
      stv.rounds.map(({ elected }) => elected),
      [["b", "a"], ["d"]]
    )
    assert.strictEqual(stv.rounds[0]?.transfer?.from, "b")
  })

  it("leaves a seat empty rather than give it to what nobody ranks", () => {
    const { elected, rounds } = count(["a", "b", "c"], [[3, "b"]], { method: "stv", seats: 2 })
    assert.deepStrictEqual(elected, ["b"])
    assert.deepStrictEqual(
      rounds.map(({ votes }) => votes),
      [[{ option: "b", votes: 3 }]]
    )
  })

  it("is exact where doubles are not", () => {
    const stv = count(
      ["a", "b", "c", "d"],
      [
        [1_499_928_709, "a>b"],
        [667_343_522, "b>c"],
        [916_363_890, "c"],
        [916_363_891, "d"]
      ],
      { method: "stv", seats: 3 }
    )
    // b has 1,167,269,760.7097 votes, and the quota is 1,000,000,004: the share is a hair less than 0.1433.
    assert.deepStrictEqual(stv.rounds[1]?.transfer?.to, [{ option: "c", votes: (667_343_522 * 1_432) / 10_000 }])
  })
})

describe("condorcet", () => {
  it("makes Nashville the capital of Tennessee", () => {
    const { elected, rounds, winners } = count(cities, voters, { method: "condorcet" })
    assert.deepStrictEqual([elected, winners, rounds], [["nashville"], ["nashville"], []])
  })

  it("finds the paths and the winner of Schulze's example with 45 voters", () => {
    const { elected, pairwise, ties } = count(
      ["a", "b", "c", "d", "e"],
      [
        [5, "a>c>b>e>d"],
        [5, "a>d>e>c>b"],
        [8, "b>e>d>a>c"],
        [3, "c>a>b>e>d"],
        [7, "c>a>e>b>d"],
        [2, "c>b>a>d>e"],
        [7, "d>c>e>b>a"],
        [8, "e>b>a>d>c"]
      ],
      { method: "condorcet" }
    )
    assert.deepStrictEqual(pairwise, {
      options: ["a", "b", "c", "d", "e"],
      votes: [
        [0, 20, 26, 30, 22],
        [25, 0, 16, 33, 18],
        [19, 29, 0, 17, 24],
        [15, 12, 28, 0, 14],
        [23, 27, 21, 31, 0]
      ],
      paths: [
        [0, 28, 28, 30, 24],
        [25, 0, 28, 33, 24],
        [25, 29, 0, 29, 24],
        [25, 28, 28, 0, 24],
        [25, 28, 28, 31, 0]
      ]
    })
    assert.deepStrictEqual([elected, ties], [["e"], []])
  })

  it("takes no tie of two options for a win", () => {
    // a and b are on one ballot each. If that were a win, it would lead to a from c, by way of b.
    const { pairwise, winners } = count(
      ["a", "b", "c"],
      [
        [1, "a>c"],
        [1, "b"]
      ],
      { method: "condorcet" }
    )
    assert.deepStrictEqual(pairwise?.paths, [
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0]
    ])
    assert.deepStrictEqual(winners, ["a", "b"])
  })

  it("puts what a ballot ranks above what it leaves out", () => {
    const { pairwise } = count(
      ["a", "b", "c"],
      [
        [3, "a"],
        [2, "b>a"]
      ],
      { method: "condorcet" }
    )
    assert.deepStrictEqual(pairwise?.votes, [
      [0, 3, 5],
      [2, 0, 2],
      [0, 0, 0]
    ])
  })
})

describe("abstentions", () => {
  it.each(["irv", "stv", "condorcet"] as const)("are no ballots under %s, and elect nobody", (method) => {
    const { ballots, elected, rounds, ties, winners } = count(["a", "b"], [[7, "-"]], { method })
    assert.deepStrictEqual(
      { ballots, elected, rounds, ties, winners },
      {
        ballots: 0,
        elected: [],
        rounds: [],
        ties: [],
        winners: []
      }
    )
  })
})
