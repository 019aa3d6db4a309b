import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Tabulation } from "../../../src/domain/tabulation/Tabulation.ts"
import { count, votesOf } from "../../support/rankings.ts"

/*
 * Two real elections. Each file names where its ballots are from: PrefLib (preflib.org, data set 00005) and the test data of RCTab
 * (github.com/BrightSpots/rcv). What is known of their results is in the files, too.
 */

/** What a file holds; `known` is different in each. */
const fields = {
  options: Schema.Array(Schema.Struct({ id: Schema.String })),
  ballots: Schema.Array(Schema.Tuple([Schema.Int, Schema.Array(Schema.String)]))
}
const Counts = Schema.Record(Schema.String, Schema.Int)

const Burlington = Schema.fromJsonString(
  Schema.Struct({
    ...fields,
    known: Schema.Struct({
      irv: Schema.String,
      irv_last_round: Counts,
      irv_round_of_four: Counts,
      condorcet: Schema.String,
      most_first_places: Schema.String
    })
  })
)
const Minneapolis = Schema.fromJsonString(
  Schema.Struct({ ...fields, known: Schema.Struct({ stv: Schema.Array(Schema.String) }) })
)

const read = <Election>(file: string, schema: Schema.Codec<Election, string>): Election =>
  Schema.decodeUnknownSync(schema)(readFileSync(new URL(`../../data/elections/${file}`, import.meta.url), "utf8"))

const counted = (
  { ballots, options }: Schema.Struct<typeof fields>["Type"],
  rules: Parameters<typeof count>[2]
): Tabulation =>
  count(
    options.map(({ id }) => id),
    ballots.map(([many, ranking]) => [many, ranking.join(">")]),
    rules
  )

describe("Burlington's mayor, 2009", () => {
  const election = read("burlington-2009.json", Burlington)
  const { known } = election
  const irv = counted(election, { method: "irv" })
  const rounds = votesOf(irv)

  it("was Bob Kiss by irv, with the rounds that are known", () => {
    assert.deepStrictEqual(irv.elected, [known.irv])
    assert.deepStrictEqual(rounds.at(-1), known.irv_last_round)
    assert.deepStrictEqual(
      rounds.find((votes) => Object.keys(votes).length === 4),
      known.irv_round_of_four
    )
    assert.deepStrictEqual(
      irv.rounds.map(({ eliminated, exhausted, round }) => [round, eliminated, exhausted]),
      [
        [1, "james-simpson", 0],
        [2, "write-in", 3],
        [3, "dan-smith", 14],
        [4, "andy-montroll", 147],
        [5, undefined, 603]
      ]
    )
    assert.deepStrictEqual(irv.ties, [])
  })

  it("would have been another one by first places, and another by condorcet", () => {
    const [first = {}] = rounds
    const most = Object.entries(first).sort(([, a], [, b]) => b - a)[0]
    assert.strictEqual(most?.[0], known.most_first_places)
    const { elected, pairwise, winners } = counted(election, { method: "condorcet" })
    assert.deepStrictEqual([elected, winners], [[known.condorcet], [known.condorcet]])
    const row = pairwise?.options.indexOf(known.condorcet) ?? -1
    for (const other of election.options.keys()) {
      if (other !== row) assert.isAbove(pairwise?.votes[row]?.[other] ?? 0, pairwise?.votes[other]?.[row] ?? 0)
    }
  })
})

describe("Minneapolis' park board at large, 2013", () => {
  const election = read("minneapolis-park-2013.json", Minneapolis)
  const { known } = election
  const stv = counted(election, { method: "stv", seats: 3 })

  it("has the members that are known, in their order", () => {
    assert.deepStrictEqual(stv.elected, known.stv)
    assert.deepStrictEqual(stv.winners, known.stv)
    // A quarter of 59,174 is 14,793.5.
    assert.strictEqual(stv.quota, 14_794)
  })

  it("elects by quota and by what is left, and accounts for each vote in each round", () => {
    assert.deepStrictEqual(
      stv.rounds.map(({ elected, eliminated, transfer }) => [elected, eliminated, transfer?.of]),
      [
        [[], "casper-hill", "elimination"],
        [["john-erwin"], undefined, "surplus"],
        [[], "ishmael-israel", "elimination"],
        [[], "mary-lynn-mcpherson", "elimination"],
        [[], "steve-barland", "elimination"],
        [[], "hashim-yonis", "elimination"],
        [[], "jason-stone", "elimination"],
        [[], "tom-nordyke", "elimination"],
        [["annie-young", "meg-forney"], undefined, undefined]
      ]
    )
    // 72 of John Erwin's 14,866 votes are more than the quota: each of his ballots goes on with 0.0048 votes.
    assert.deepInclude(stv.rounds[1]?.transfer, { from: "john-erwin", exhausted: 10.2768, lost: 0.6432 })
    assert.deepStrictEqual(votesOf(stv).at(-1), {
      "annie-young": 15_070.6592,
      "john-erwin": 14_794,
      "meg-forney": 12_253.7024
    })
  })

  it("can be kept as JSON", () => {
    const Json = Schema.fromJsonString(Tabulation)
    assert.deepStrictEqual(Schema.decodeUnknownSync(Json)(JSON.stringify(stv)), stv)
  })
})
