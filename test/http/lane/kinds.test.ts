import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Poll } from "../../../src/domain/Poll.ts"
import type { Rules } from "../../../src/domain/Rules.ts"
import { layerApi, request } from "../../support/api.ts"
import { comparable } from "../../support/comparable.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"
import { World } from "../../support/world.ts"

/** Bodies of votes in a poll: what is kept of the good ones, and what is wrong with the bad ones. */
interface Case {
  readonly rules: Rules
  readonly good: ReadonlyArray<readonly [body: string, choice: string]>
  readonly bad: ReadonlyArray<readonly [body: string, ...pointers: ReadonlyArray<string>]>
}

const ids = Array.from({ length: 1_000 }, (_, index) => `o${index}`)
const each = (value: string) => `{${ids.map((id) => `"${id}":${value}`).join(",")}}`
const twenty = (field: string) => ids.slice(0, 20).map((id) => `#/${field}/${id}`)
const nested = '{"a":{"a":1},"b":[1]}'

const cases: ReadonlyArray<Case> = [
  {
    rules: { kind: "single" },
    good: [['{"option":"a"}', "a"]],
    bad: [
      ['{"option":"x"}', "#/option"],
      ['{"option":["a"]}', "#/option"],
      ['{"option":"\u0430"}', "#/option"],
      ['{"option":"a","option":"b"}', "#/option"],
      ['{"options":["a"]}', "#/option", "#/options"],
      ["{}", "#/option"]
    ]
  },
  {
    rules: { kind: "multiple", min: 2, max: 3 },
    good: [
      ['{"options":["c","a"]}', "a+c"],
      [' {"options" : ["d","b","a"]} ', "a+b+d"]
    ],
    bad: [
      ['{"options":["a","x"]}', "#/options/1"],
      ['{"options":["a","a"]}', "#/options/1"],
      ['{"options":["a"]}', "#/options"],
      ['{"options":[]}', "#/options"],
      ['{"options":["a","b","c","d"]}', "#/options"],
      [`{"options":${JSON.stringify(ids)}}`, "#/options"],
      ['{"options":[["a","b"],{"a":1}]}', "#/options/0", "#/options/1"],
      ['{"options":["\uff41","A"]}', "#/options/0", "#/options/1"],
      ['{"options":"a+c"}', "#/options"],
      ['{"options":["a","b"],"options":["a","c"]}', "#/options"],
      ['{"ranking":["a","b"]}', "#/options", "#/ranking"],
      ['{"option":"a"}', "#/options", "#/option"]
    ]
  },
  {
    rules: { kind: "score", min: 0, max: 5, every: false },
    good: [
      ['{"scores":{"b":0,"a":5}}', "a:5,b:0"],
      ['{"scores":{"d":5}}', "d:5"]
    ],
    bad: [
      ['{"scores":{"x":1}}', "#/scores/x"],
      ['{"scores":{"a":1,"a":2}}', "#/scores/a"],
      ['{"scores":{"a":1.5}}', "#/scores/a"],
      ['{"scores":{"a":-0}}', "#/scores/a"],
      ['{"scores":{"a":"5"}}', "#/scores/a"],
      ['{"scores":{"a":6,"b":-1}}', "#/scores/a", "#/scores/b"],
      ['{"scores":{"a":1e999}}', "#/scores/a"],
      [`{"scores":${nested}}`, "#/scores/a", "#/scores/b"],
      [`{"scores":${each("1")}}`, ...twenty("scores")],
      ['{"scores":{"\u0430":1}}', "#/scores/%D0%B0"],
      ['{"scores":{}}', "#/scores"],
      ['{"scores":["a"]}', "#/scores"],
      ['{"points":{"a":1}}', "#/scores", "#/points"]
    ]
  },
  {
    rules: { kind: "score", min: -1, max: 1, every: true },
    good: [['{"scores":{"a":-1,"b":0,"c":1,"d":0}}', "a:-1,b:0,c:1,d:0"]],
    bad: [['{"scores":{"a":1}}', "#/scores/b", "#/scores/c", "#/scores/d"]]
  },
  {
    rules: { kind: "points", budget: 10, spendAll: true },
    good: [
      ['{"points":{"b":7,"a":3,"c":0}}', "a:3,b:7"],
      ['{"points":{"d":10}}', "d:10"]
    ],
    bad: [
      ['{"points":{"x":10}}', "#/points/x"],
      ['{"points":{"a":5,"b":6}}', "#/points"],
      ['{"points":{"a":9}}', "#/points"],
      ['{"points":{"a":0}}', "#/points"],
      ['{"points":{"a":11}}', "#/points/a"],
      ['{"points":{"a":1.5,"b":8.5}}', "#/points/a", "#/points/b"],
      ['{"points":{"a":10,"b":-0}}', "#/points/b"],
      ['{"points":{"a":"10"}}', "#/points/a"],
      [`{"points":${nested}}`, "#/points/a", "#/points/b"],
      [`{"points":${each("0")}}`, ...twenty("points")],
      ['{"scores":{"a":5}}', "#/points", "#/scores"]
    ]
  },
  {
    rules: { kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "previous_rounds" },
    good: [
      ['{"ranking":["c","a"]}', "c>a"],
      ['{"ranking":["a","c"]}', "a>c"]
    ],
    bad: [
      ['{"ranking":["a","x"]}', "#/ranking/1"],
      ['{"ranking":["a","a"]}', "#/ranking/1"],
      ['{"ranking":[]}', "#/ranking"],
      ['{"ranking":["a","b","c","d"]}', "#/ranking"],
      [`{"ranking":${JSON.stringify(ids)}}`, "#/ranking"],
      ['{"ranking":[["a"]]}', "#/ranking/0"],
      ['{"ranking":{"a":1}}', "#/ranking"],
      ['{"ranking":"c>a"}', "#/ranking"],
      ['{"options":["a","b"]}', "#/ranking", "#/options"]
    ]
  }
]

const pollOf = (rules: Rules, index: number, abstain: boolean): Poll => ({
  ...teaOrCoffeePoll,
  slug: `poll-${index}-${abstain ? "free" : "bound"}`,
  options: ["a", "b", "c", "d"].map((id) => ({ id, label: id })),
  rules,
  abstain
})

const vote = ({ slug }: Poll, body: string, key?: string) =>
  request("POST", `/api/polls/${slug}/votes`, {
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { "idempotency-key": key }) },
    body
  })

const seen = (fastLane: boolean) =>
  Effect.gen(function* () {
    const world = yield* World
    const polls = cases.map(({ rules }, index) => [pollOf(rules, index, false), pollOf(rules, index, true)] as const)
    world.polls = polls.flat()
    yield* request("GET", "/api/polls/poll-0-free")
    const answers = []
    for (const [index, { bad, good, rules }] of cases.entries()) {
      const [bound, free] = polls[index] ?? assert.fail()
      for (const [body, choice] of good) {
        const answer = yield* vote(bound, body)
        assert.strictEqual(answer.status, 201, answer.body)
        assert.propertyVal(JSON.parse(answer.body), rules.kind === "single" ? "option" : "choice", choice)
        assert.strictEqual(world.votes.at(-1)?.choice, choice)
        answers.push(comparable(answer))
      }
      const taken = world.votes.length
      for (const [poll, body, ...pointers] of [
        ...bad.flatMap(([body, ...pointers]) => [bound, free].map((poll) => [poll, body, ...pointers] as const)),
        [bound, '{"abstain":true}', "#/abstain"] as const,
        [free, '{"abstain":false}', "#/abstain"] as const,
        [free, '{"abstain":true,"more":1}', "#/more"] as const
      ]) {
        const answer = yield* vote(poll, body)
        assert.strictEqual(answer.status, 422, body)
        const { errors } = JSON.parse(answer.body) as { errors: ReadonlyArray<{ pointer: string }> }
        assert.deepStrictEqual(
          errors.map(({ pointer }) => pointer),
          pointers,
          body
        )
        answers.push(comparable(answer))
      }
      assert.strictEqual(world.votes.length, taken, "none of these is a vote")
      const abstention = yield* vote(free, '{"abstain":true}', `key-${index}`)
      assert.propertyVal(JSON.parse(abstention.body), "choice", "-")
      assert.strictEqual(world.votes.at(-1)?.choice, "-")
      const other = yield* vote(free, good[0]?.[0] ?? "", `key-${index}`)
      assert.strictEqual(other.status, 422)
      assert.include(other.body, "was used with another vote")
      answers.push(comparable(abstention), comparable(other))
    }
    return answers
  }).pipe(Effect.provide(layerApi({ fastLane, production: true })))

describe("votes of each kind", () => {
  it.live("are taken as one choice or refused with a pointer for each fault, by the lane as by the app", () =>
    Effect.gen(function* () {
      const lane = yield* seen(true)
      const app = yield* seen(false)
      for (const [index, answer] of lane.entries()) assert.deepStrictEqual(answer, app[index])
      assert.strictEqual(lane.length, app.length)
    })
  )

  it.live("with one key are one vote where they make the same choice, in whatever order it is sent", () =>
    Effect.gen(function* () {
      const world = yield* World
      const multiple = pollOf({ kind: "multiple", min: 1, max: 3 }, 0, false)
      const ranked = pollOf({ kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "draw" }, 1, false)
      world.polls = [multiple, ranked]
      const first = yield* vote(multiple, '{"options":["a","c"]}', "k")
      const turned = yield* vote(multiple, '{"options":["c","a"]}', "k")
      assert.strictEqual(turned.status, 201)
      assert.strictEqual(turned.body, first.body)
      assert.strictEqual((yield* vote(multiple, '{"options":["c"]}', "k")).status, 422)
      assert.strictEqual((yield* vote(ranked, '{"ranking":["a","c"]}', "r")).status, 201)
      const other = yield* vote(ranked, '{"ranking":["c","a"]}', "r")
      assert.strictEqual(other.status, 422)
      assert.deepStrictEqual(JSON.parse(other.body).errors, [
        { pointer: "#/ranking", detail: "is not what the key was used with" }
      ])
      assert.strictEqual(world.votes.length, 2)
    }).pipe(Effect.provide(layerApi({})))
  )
})
