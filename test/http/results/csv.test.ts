import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { csvCell, csvLine, resultsCsv } from "../../../src/http/results/Csv.ts"
import { request } from "../../support/api.ts"
import { createPoll, layerPollsApi, untilCounted, voteIn } from "../../support/pollsApi.ts"

/** The cells of one line, as RFC 4180 has them. */
const parse = (line: string): ReadonlyArray<string> =>
  [...line.replace(/\r\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? ""
  )

describe("csvCell", () => {
  it.each([
    ["plain", "plain"],
    ["", ""],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["\r=1", '"\'\r=1"'],
    ["\n=1", '"\'\n=1"'],
    ["＝1+1", "'＝1+1"],
    ['=HYPERLINK("http://a","b")', '"\'=HYPERLINK(""http://a"",""b"")"'],
    ["a=1", "a=1"],
    ["über 🐈", "über 🐈"]
  ])("writes %j as %j", (text, cell) => {
    assert.strictEqual(csvCell(text), cell)
  })

  it("leaves numbers as they are", () => {
    assert.strictEqual(csvLine(["a", -1, 2.5]), "a,-1,2.5\r\n")
  })

  it("can be read back, but for the quote before a formula", () => {
    for (const cells of [
      ["a", 'b"c', "d,e"],
      ['"', '""', ","],
      ["x\ny", "", "z"]
    ]) {
      assert.deepStrictEqual(parse(csvLine(cells)), cells)
    }
  })
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
        ballot: "open",
        identity: "anyone",
        results: "live"
      },
      {
        poll: "drinks",
        status: "open",
        results: [
          { option: "coffee", count: 2, percentage: 66.7 },
          { option: "tea", count: 1, percentage: 33.3 },
          { option: "made-since", count: 0, percentage: 0 }
        ],
        total_votes: 3,
        pending: 0,
        revision: 1,
        last_updated: ""
      }
    )
    assert.deepStrictEqual(csv.split("\r\n"), [
      "option,label,count,percentage",
      "coffee,'=cmd|'/c calc'!A0,2,66.70",
      'tea,"Tea, ""green""",1,33.30',
      "made-since,made-since,0,0.00",
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
      assert.strictEqual(answer.body, "option,label,count,percentage\r\ncoffee,Coffee,1,100.00\r\ntea,'=1+1,0,0.00\r\n")
    })
  )
})
