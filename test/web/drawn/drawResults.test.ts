import { assert, describe, it } from "@effect/vitest"
import type { FlatRules } from "../../../src/domain/Rules.ts"
import { treeHtml } from "../../../src/http/pages/Html.ts"
import { type Drawn, drawResults, tellOutcome } from "../../../src/web/drawn/drawResults.ts"
import type { Shown, ShownTabulation } from "../../../src/web/drawn/shown.ts"

const options = ["Apples", "Pears", "Plums"].map((label) => ({ id: label.toLowerCase(), label }))

const pollOf = (rules: Omit<FlatRules, "options"> & Pick<Drawn, "kind">): Drawn => ({ ...rules, options })

type Row = Shown["results"][number]

const shown = (rows: ReadonlyArray<Omit<Row, "option">>, more: Partial<Shown> = {}): Shown => ({
  status: "open",
  total_votes: 4,
  abstained: 0,
  winners: [],
  tie: false,
  revision: 3,
  results: rows.map((row, index) => ({ ...row, option: options[index]?.id ?? "" })),
  ...more
})

/** Returns the words of what is drawn, without its markup. */
const wordsOf = (poll: Drawn, results: Shown): string =>
  drawResults(poll, results)
    .map((tree) => treeHtml(tree).html)
    .join(" ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .replaceAll("&#39;", "'")

const markupOf = (poll: Drawn, results: Shown): string =>
  drawResults(poll, results)
    .map((tree) => treeHtml(tree).html)
    .join("")

describe("the results that the pages draw", () => {
  it("of several options are shares of the ballots that say something, and add up to more than 100%", () => {
    const results = shown(
      [
        { count: 3, percentage: 100 },
        { count: 1, percentage: 33.33 },
        { count: 0, percentage: 0 }
      ],
      { abstained: 1 }
    )
    const words = wordsOf(pollOf({ kind: "multiple" }), results)
    assert.include(words, "Apples 100.0% 3 of 3 ballots Pears 33.3% 1 of 3 ballots Plums 0.0% 0 of 3 ballots")
    assert.include(words, "Percentages are of 3 ballots.")
    assert.include(words, "may add up to more than 100%")
  })

  it("of scores are means, with the ballots by score", () => {
    const results = shown([
      {
        count: 2,
        percentage: 50,

        mean: 3.5,
        histogram: [
          { score: 2, count: 1 },
          { score: 5, count: 1 }
        ]
      },
      { count: 0, percentage: 0, histogram: [] },
      { count: 1, percentage: 25, mean: 0, histogram: [{ score: 0, count: 1 }] }
    ])
    const poll = pollOf({ kind: "score", min: 0, max: 5 })
    assert.include(wordsOf(poll, results), "Apples 3.50 mean of 2 ballots")
    assert.include(wordsOf(poll, results), "Pears – Not rated Plums 0.00 mean of 1 ballot")
    const markup = markupOf(poll, results)
    assert.include(markup, 'aria-label="Apples, ballots by score: 0: 0, 1: 0, 2: 1, 3: 0, 4: 0, 5: 1"')
    assert.include(markup, '<meter min="0" max="5" value="3.5" aria-label="Apples: mean score">')
    // Some 200 scores are drawn as columns that a phone can show.
    const wide = markupOf(pollOf({ kind: "score", min: -100, max: 100 }), results)
    assert.include(wide, "0 to 9: 2")
    assert.isAtMost(wide.match(/<rect/g)?.length ?? 0, 2 * 21)
  })

  it("of points are shares of the points given", () => {
    const words = wordsOf(
      pollOf({ kind: "points", budget: 10 }),
      shown([
        { count: 2, percentage: 33.33, points: 5 },
        { count: 1, percentage: 33.33, points: 5 },
        { count: 1, percentage: 33.34, points: 5 }
      ])
    )
    // They add up to 100.0%.
    assert.include(words, "Apples 33.4% 5 points from 2 ballots Pears 33.3% 5 points from 1 ballot")
    assert.include(words, "Percentages are of the 15 points given.")
  })

  it("of rankings are first places until the rounds are counted", () => {
    const words = wordsOf(
      pollOf({ kind: "ranked" }),
      shown([
        { count: 2, percentage: 50 },
        { count: 1, percentage: 25 },
        { count: 1, percentage: 25 }
      ])
    )
    assert.include(words, "Apples 50.0% first on 2 ballots")
    assert.include(words, "The rounds are not counted yet.")
  })

  it("stand in the poll's order while it is open, and with the best first once they are final", () => {
    const results = {
      ...shown([]),
      results: [
        { option: "plums", count: 3, percentage: 75 },
        { option: "apples", count: 1, percentage: 25 },
        { option: "pears", count: 0, percentage: 0 }
      ]
    }
    const poll = pollOf({ kind: "single" })
    assert.match(wordsOf(poll, results), /Apples .* Pears .* Plums/)
    assert.match(wordsOf(poll, { ...results, status: "final" }), /Plums .* Apples .* Pears/)
  })

  it("mark the options that lead, as the service says", () => {
    const markup = markupOf(
      pollOf({ kind: "multiple" }),
      shown(
        [
          { count: 2, percentage: 50 },
          { count: 2, percentage: 50 }
        ],
        { winners: ["pears"] }
      )
    )
    assert.deepStrictEqual(markup.match(/<li class="leads" id="[^"]*"/g), ['<li class="leads" id="result-pears"'])
  })

  it("escape what an organiser has typed", () => {
    const typed = { kind: "multiple", options: [{ id: "apples", label: '<b>"A"</b>' }] } as const
    assert.include(markupOf(typed, shown([{ count: 1, percentage: 100 }])), "&lt;b&gt;&quot;A&quot;&lt;/b&gt;")
  })
})

const tabulation = (more: Partial<ShownTabulation> = {}): ShownTabulation => ({
  method: "irv",
  seats: 1,
  ballots: 5,
  revision: 3,
  elected: ["pears"],
  ties: [],
  rounds: [
    {
      round: 1,
      votes: [
        { option: "apples", votes: 2 },
        { option: "pears", votes: 2 },
        { option: "plums", votes: 1 }
      ],
      exhausted: 0,
      lost: 0,
      elected: [],
      eliminated: "plums",
      transfer: { from: "plums", of: "elimination", to: [{ option: "pears", votes: 1 }], exhausted: 0, lost: 0 }
    },
    {
      round: 2,
      votes: [
        { option: "apples", votes: 2 },
        { option: "pears", votes: 3 }
      ],
      exhausted: 0,
      lost: 0,
      elected: ["pears"]
    }
  ],
  ...more
})

const firsts = [
  { count: 2, percentage: 40 },
  { count: 2, percentage: 40 },
  { count: 1, percentage: 20 }
]

describe("the rounds that the pages draw", () => {
  const poll = pollOf({ kind: "ranked" })

  it("say who goes out, where the votes go, and who is elected; in bars, and in a table", () => {
    const words = wordsOf(poll, shown(firsts, { tabulation: tabulation() }))
    assert.include(
      words,
      "Round 1 Apples 2 Pears 2 Plums 1 Out, with the fewest votes: Plums. Votes that move: 1 to Pears."
    )
    assert.include(words, "Round 2 Apples 2 Pears 3 Elected: Pears.")
    assert.include(words, "Option Round 1 Round 2 Apples 2 2 Pears 2 3 Plums 1 out No further choice 0 0")
    const markup = markupOf(poll, shown(firsts, { tabulation: tabulation() }))
    // Pears has 3 votes, which is the most: its bar is whole, and a third of it is new.
    assert.include(markup, '<rect class="gained" x="66.67" width="33.33" height="8">')
    assert.notInclude(markup, "style=")
  })

  it("say of which state they are, and how ties were broken", () => {
    const ties: ShownTabulation["ties"] = [
      { round: 1, choice: "elimination", options: ["apples", "plums"], chosen: "plums", by: "draw", drawn: ["apples"] },
      {
        round: 2,
        choice: "elimination",
        options: ["apples", "pears"],
        chosen: "pears",
        by: "previous_rounds",
        decided_by_round: 1
      }
    ]
    const words = wordsOf(poll, shown(firsts, { tabulation: tabulation({ revision: 2, ties }) }))
    assert.include(words, "the latest votes are not in them yet")
    assert.include(words, "A draw for now decided, the poll's own comes with its end: Plums goes out.")
    const final = wordsOf(poll, shown(firsts, { status: "final", tabulation: tabulation({ revision: 2, ties }) }))
    assert.include(final, "Round 1: Apples and Plums had equally many votes. The poll's draw decided: Plums goes out.")
    assert.include(words, "The votes of round 1 decided: Pears goes out.")
  })

  it("are not there where all have abstained, and of one vote say that it elects", () => {
    const stv = tabulation({ method: "stv", seats: 1, quota: 1 })
    assert.notInclude(wordsOf(poll, shown(firsts, { abstained: 4, tabulation: stv })), "Round by round")
    assert.include(wordsOf(poll, shown(firsts, { tabulation: stv })), "for 1 seat: 1 vote elects.")
  })

  it("are pairs where each two options are compared", () => {
    const pairwise = {
      options: ["apples", "pears", "plums"],
      votes: [
        [0, 3, 1],
        [2, 0, 4],
        [2, 1, 0]
      ],
      paths: []
    }
    const words = wordsOf(
      pollOf({ kind: "ranked", method: "condorcet" }),
      shown(firsts, { tabulation: tabulation({ method: "condorcet", rounds: [], elected: ["apples"], pairwise }) })
    )
    assert.include(words, "Apples 3, Pears 2 Apples 1, Plums 2")
    assert.include(words, "above Apples Pears Plums Apples – 3 1 Pears 2 – 4 Plums 2 1 –")
  })
})

describe("the outcome that the pages tell", () => {
  const tell = (more: Partial<Shown>): string => tellOutcome(options, shown(firsts, more))

  it("is who leads, who has won, and that there is a tie", () => {
    assert.strictEqual(tell({}), "")
    assert.strictEqual(tell({ winners: [] }), "")
    assert.strictEqual(tell({ winners: ["apples"], tie: false }), "In the lead: Apples.")
    assert.strictEqual(tell({ winners: ["apples"], tie: false, status: "final" }), "Winner: Apples.")
    assert.strictEqual(tell({ winners: ["apples", "pears"], tie: true }), "Tied for the lead: Apples and Pears.")
    assert.strictEqual(
      tell({ winners: ["apples", "pears"], tie: true, status: "final" }),
      "A tie between Apples and Pears."
    )
  })

  it("is who is elected in a ranked poll, by the draw where several lead", () => {
    const rounds = { winners: ["pears"], tie: false, tabulation: tabulation() }
    assert.strictEqual(tell(rounds), "Elected as it stands: Pears.")
    assert.strictEqual(tell({ ...rounds, status: "final" }), "Elected: Pears.")
    const pairwise = { options: [], votes: [], paths: [] }
    const drawn = { tabulation: tabulation({ method: "condorcet", pairwise }), tie: true, winners: ["apples", "pears"] }
    assert.strictEqual(
      tell({ ...drawn, status: "final" }),
      "A tie between Apples and Pears. Elected by the draw: Pears."
    )
    assert.strictEqual(
      tell(drawn),
      "Tied for the lead: Apples and Pears. Drawn for now: Pears; the draw that counts comes with the end."
    )
  })

  it("says where a draw has decided who is elected, or has only broken a tie on the way", () => {
    const drawn = (options: ReadonlyArray<string>, chosen: string): ShownTabulation["ties"][number] => {
      return {
        round: 1,
        choice: "elimination",
        options: ["apples", "pears", "plums"],
        chosen,
        by: "draw",
        drawn: options
      }
    }
    const of = (...ties: ShownTabulation["ties"]) => ({ winners: ["pears"], tabulation: tabulation({ ties }) })
    const decided = of(drawn(["pears", "apples"], "apples"), drawn(["pears", "apples"], "apples"))
    assert.strictEqual(
      tell({ ...decided, status: "final" }),
      "Elected: Pears. A draw decided between Apples and Pears."
    )
    assert.strictEqual(
      tell(decided),
      "Elected as it stands: Pears. For now a draw decides between Apples and Pears. The draw that counts comes with the end."
    )
    const onTheWay = of(drawn(["apples", "plums"], "plums"))
    assert.strictEqual(tell({ ...onTheWay, status: "final" }), "Elected: Pears. A tie on the way was broken by a draw.")
    const twice = of(drawn(["apples", "plums"], "plums"), drawn(["apples", "plums"], "apples"))
    assert.strictEqual(tell({ ...twice, status: "final" }), "Elected: Pears. Ties on the way were broken by draws.")
    const { drawn: _, ...byRound } = drawn([], "plums")
    assert.strictEqual(tell({ ...of({ ...byRound, decided_by_round: 1 }), status: "final" }), "Elected: Pears.")
  })

  it("says that seats stay empty, and that nobody has a vote", () => {
    const seats = { winners: ["pears"], tabulation: tabulation({ method: "stv", seats: 2 }) }
    assert.strictEqual(tell({ ...seats, status: "final" }), "Elected: Pears. 1 seat stays empty.")
    assert.strictEqual(tell({ total_votes: 2, abstained: 2, status: "final" }), "No option has a vote.")
    assert.strictEqual(tell({ total_votes: 2, abstained: 2 }), "")
  })
})
