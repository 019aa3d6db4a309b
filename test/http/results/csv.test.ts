import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { single } from "../../../src/domain/Rules.ts"
import { toResults } from "../../../src/domain/Tally.ts"
import { csvHead, csvLine, resultsCsv } from "../../../src/http/results/Csv.ts"
import { request } from "../../support/api.ts"
import { createPoll, layerPollsApi, untilCounted, voteIn } from "../../support/pollsApi.ts"

/** The rows of a CSV as a spreadsheet reads them: a quote means something at the beginning of a cell only. */
const readSheet = (text: string, separator: string): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<Array<string>> = [[]]
  let at = 0
  while (at < text.length) {
    let cell = ""
    if (text[at] === '"') {
      for (at++; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        if (text[at] === '"') at++
        cell += text[at]
      }
      at++
    }
    for (; at < text.length && text[at] !== separator && text[at] !== "\r" && text[at] !== "\n"; at++) cell += text[at]
    rows.at(-1)?.push(cell)
    const ended = text[at]
    at += text.startsWith("\r\n", at) ? 2 : 1
    if (ended !== separator && at < text.length) rows.push([])
  }
  return rows
}

const formula = /^\s*[=+\-@＝＋－＠]/

/** Texts of what spreadsheets take for something else than text, and of what does no harm. */
const hostile = Schema.Array(
  Schema.Literals(["=", "+", "-", "@", "＝", ";", ",", "\t", "|", '"', '""', "'", " ", "\r\n", "\n", "\r", "1", "a"])
)

describe("a cell", () => {
  it.each([
    ["plain", "plain"],
    ["", ""],
    ["a,b", '"a,b"'],
    ["a;b", '"a;b"'],
    ["a\tb", '"a\tb"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["  =1", "'  =1"],
    ["\t=1", "\"'\t'=1\""],
    ["\ta", '"\'\ta"'],
    ["\r=1", "\"'\r'=1\""],
    ["＝1+1", "'＝1+1"],
    ["foo;=1+1", '"foo;\'=1+1"'],
    ["foo\t=1+1", '"foo\t\'=1+1"'],
    ["foo; -1", '"foo;\' -1"'],
    ["foo,=1", '"foo,=1"'],
    ['=HYPERLINK("http://a","b")', '"\'=HYPERLINK(""http://a"",""b"")"'],
    ["a=1", "a=1"],
    ["über 🐈", "über 🐈"]
  ])("of %j is %j", (text, cell) => {
    assert.strictEqual(csvLine([text]), `${cell}\r\n`)
  })

  it("that is a number stays one", () => {
    assert.strictEqual(csvLine(["a", -1, 2.5, { number: "-2.50" }]), "a,-1,2.5,-2.50\r\n")
  })

  it.effect.prop(
    "is no formula, whatever the separator of the spreadsheet, and one cell for who takes the comma",
    { first: hostile, second: hostile },
    ({ first, second }) =>
      Effect.sync(() => {
        const cells = [first.join(""), second.join("")]
        const text = csvHead(["a", "b"]) + csvLine([...cells, 7]) + csvLine([...cells, 8])
        for (const separator of [",", ";", "\t"]) {
          for (const row of readSheet(text.slice(1), separator)) {
            for (const cell of row) assert.notMatch(cell, formula, `${JSON.stringify(text)} by ${separator}`)
          }
        }
        const [, row = []] = readSheet(text.slice(1), ",")
        for (const cell of row) assert.notMatch(cell, /^[\t\r\n]/)
        assert.deepStrictEqual(
          row.map((cell) => cell.replaceAll("'", "")),
          [...cells.map((cell) => cell.replaceAll("'", "")), "7"]
        )
      }),
    { arbitrary: { runs: 500 } }
  )
})

describe("resultsCsv", () => {
  it("has a line for each option, most votes first, percentages with two decimals", () => {
    const csv = resultsCsv(
      {
        slug: "drinks",
        title: "",
        options: [
          { id: "tea", label: 'Tea, "green"' },
          { id: "coffee", label: "=cmd|'/c calc'!A0" }
        ],
        rules: single,
        abstain: false,
        ballot: "open",
        identity: "anyone",
        results: "live"
      },
      {
        poll: "drinks",
        kind: "single",
        status: "open",
        results: [
          { option: "coffee", count: 2, percentage: 66.7 },
          { option: "tea", count: 1, percentage: 33.3 },
          { option: "made-since", count: 0, percentage: 0 }
        ],
        total_votes: 3,
        ballots: 3,
        abstained: 0,
        winners: ["coffee"],
        tie: false,
        pending: 0,
        revision: 1,
        version: 1,
        last_updated: ""
      }
    )
    assert.deepStrictEqual(csv.split("\r\n"), [
      "\ufeffoption,label,count,percentage,status,leads",
      "coffee,\"'=cmd|'/c calc'!A0\",2,66.70,open,yes",
      'tea,"Tea, ""green""",1,33.30,open,',
      "made-since,made-since,0,0.00,open,",
      ""
    ])
  })

  it("has a mean below 0 as a number", () => {
    const csv = resultsCsv(
      {
        ...defaultPoll,
        rules: { kind: "score", min: -1, max: 0, every: false }
      },
      toResults(
        {
          poll: "cats-or-dogs",
          version: 1,
          revision: 1,
          epoch: "",
          lastUpdated: new Date(0),
          kind: "score",
          seats: 1,
          options: [
            {
              option: "cats",
              count: 2,
              sum: -1,
              scores: [
                { score: -1, count: 1 },
                { score: 0, count: 1 }
              ]
            },
            { option: "dogs", count: 0, sum: 0 }
          ],
          ballots: 2,
          abstained: 0
        },
        0,
        0
      )
    )
    assert.deepStrictEqual(csv.split("\r\n").slice(1), [
      "cats,Cats,2,100.00,open,yes,-1,-0.50,1,1",
      "dogs,Dogs,0,0.00,open,,0,,0,0",
      ""
    ])
  })
})

layer(layerPollsApi(), { excludeTestServices: true })("GET …/results.csv", (it) => {
  it.effect("is a file of its poll's name, and never a formula", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({
        options: [
          { id: "tea", label: "=1+1" },
          { id: "coffee", label: "Coffee" }
        ]
      })
      yield* voteIn(slug, "coffee")
      yield* untilCounted(slug, { coffee: 1, tea: 0 })
      const answer = yield* request("GET", `/api/polls/${slug}/results.csv`)
      assert.deepInclude(answer.headers, {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="${slug}.csv"`,
        "x-content-type-options": "nosniff"
      })
      assert.strictEqual(
        answer.body,
        "\ufeffoption,label,count,percentage,status,leads\r\ncoffee,Coffee,1,100.00,open,yes\r\ntea,'=1+1,0,0.00,open,\r\n"
      )
    })
  )
})
