import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { PollDefinition } from "../../../src/domain/PollDefinition.ts"
import { json, request, until } from "../../support/api.ts"
import { castOn } from "../../support/casting.ts"
import { openEvents, type TallyEvent } from "../../support/events.ts"
import { asAdmin, closePoll, createPoll, layerPollsApi, untilFinal } from "../../support/pollsApi.ts"
import { eventually } from "../../support/servers.ts"
import { openWire } from "../../support/wire.ts"

const abc = ["a", "b", "c"].map((id) => ({ id, label: id.toUpperCase() }))

/** Casts bodies of votes, and waits until all are counted. */
const cast = Effect.fnUntraced(function* (poll: string, bodies: ReadonlyArray<unknown>) {
  yield* castOn(yield* openWire(), poll, bodies)
  yield* eventually(Effect.map(resultsOf(poll), ({ ballots }) => assert.strictEqual(ballots, bodies.length)))
}, Effect.scoped)

const watch = (poll: string, lastEventId?: string) =>
  openEvents(`/api/polls/${poll}/results/stream`, lastEventId === undefined ? {} : { "last-event-id": lastEventId })

/** Asserts that a viewer who comes back with the last event has nothing new, and one who has missed it gets it at once. */
const expectResumed = Effect.fnUntraced(function* (
  poll: string,
  { data, id }: TallyEvent,
  earlier: ReadonlyArray<string>
) {
  const back = yield* watch(poll, id)
  yield* until(() => back.comments() === 1)
  for (const missed of earlier) {
    const { events } = yield* watch(poll, missed)
    yield* until(() => events.length === 1)
    const { pending: _, ...results } = data
    assert.deepInclude(events[0]?.data, results)
    assert.strictEqual(events[0]?.id, id)
  }
  assert.lengthOf(back.events, 0)
}, Effect.scoped)

const resultsOf = (poll: string) => Effect.map(request("GET", `/api/polls/${poll}/results`, { headers: asAdmin }), json)

const csvOf = (poll: string) =>
  Effect.map(request("GET", `/api/polls/${poll}/results.csv`, { headers: asAdmin }), ({ body }) =>
    body.slice(1).trimEnd().split("\r\n")
  )

interface Case {
  readonly rules: Partial<PollDefinition>
  readonly bodies: ReadonlyArray<unknown>
  readonly results: Readonly<Record<string, unknown>>
  readonly csv: ReadonlyArray<string>
}

const cases: ReadonlyArray<Case> = [
  {
    rules: { kind: "multiple", max: 2, abstain: true },
    bodies: [{ options: ["a", "b"] }, { options: ["b"] }, { options: ["c", "b"] }, { abstain: true }],
    results: {
      kind: "multiple",
      results: [
        { option: "b", count: 3, percentage: 100 },
        { option: "a", count: 1, percentage: 33.33 },
        { option: "c", count: 1, percentage: 33.33 }
      ],
      total_votes: 4,
      ballots: 4,
      abstained: 1,
      winners: ["b"],
      tie: false
    },
    csv: [
      "option,label,count,percentage,status,leads",
      "b,B,3,100.00,final,yes",
      "a,A,1,33.33,final,",
      "c,C,1,33.33,final,"
    ]
  },
  {
    rules: { kind: "score", min: -1, max: 1 },
    bodies: [{ scores: { a: 1, b: 0 } }, { scores: { a: 0 } }, { scores: { b: 1, a: -1 } }],
    results: {
      results: [
        {
          option: "b",
          count: 2,
          percentage: 66.67,
          sum: 1,
          mean: 0.5,
          histogram: [
            { score: 0, count: 1 },
            { score: 1, count: 1 }
          ]
        },
        {
          option: "a",
          count: 3,
          percentage: 100,
          sum: 0,
          mean: 0,
          histogram: [
            { score: -1, count: 1 },
            { score: 0, count: 1 },
            { score: 1, count: 1 }
          ]
        },
        { option: "c", count: 0, percentage: 0, sum: 0, histogram: [] }
      ],
      winners: ["b"]
    },
    csv: [
      "option,label,count,percentage,status,leads,sum,mean,score_-1,score_0,score_1",
      "b,B,2,66.67,final,yes,1,0.50,0,1,1",
      "a,A,3,100.00,final,,0,0.00,1,1,1",
      "c,C,0,0.00,final,,0,,0,0,0"
    ]
  },
  {
    rules: { kind: "points", budget: 10 },
    bodies: [{ points: { a: 5, c: 5 } }, { points: { a: 5 } }, { points: { c: 4, b: 1 } }],
    results: {
      results: [
        { option: "a", count: 2, percentage: 50, points: 10 },
        { option: "c", count: 2, percentage: 45, points: 9 },
        { option: "b", count: 1, percentage: 5, points: 1 }
      ],
      winners: ["a"]
    },
    csv: [
      "option,label,count,percentage,status,leads,points",
      "a,A,2,50.00,final,yes,10",
      "c,C,2,45.00,final,,9",
      "b,B,1,5.00,final,,1"
    ]
  }
]

layer(layerPollsApi(), { excludeTestServices: true })("results of each kind", (it) => {
  for (const { bodies, csv, results, rules } of cases) {
    it.effect(`are exact in JSON, CSV and on the stream: ${rules.kind}`, () =>
      Effect.gen(function* () {
        const poll = yield* createPoll({ ...rules, options: abc })
        const { events } = yield* watch(poll)
        yield* cast(poll, bodies)
        yield* until(() => events.at(-1)?.data.ballots === bodies.length)
        assert.deepInclude(events.at(-1)?.data, { ...results, status: "open" })
        const back = yield* watch(poll, events.at(-1)?.id)
        yield* closePoll(poll)
        yield* untilFinal(poll)
        yield* eventually(
          Effect.map(resultsOf(poll), (shown) => assert.deepInclude(shown, { ...results, status: "final" }))
        )
        assert.deepStrictEqual(yield* csvOf(poll), csv)
        for (const viewer of [events, back.events]) {
          yield* until(() => viewer.at(-1)?.data.status === "final")
          assert.deepInclude(viewer.at(-1)?.data, results)
        }
        const final = events.at(-1) ?? assert.fail()
        yield* expectResumed(poll, final, [events[0]?.id ?? "", `${final.revision}-0`])
      }).pipe(Effect.scoped)
    )
  }

  it.effect("tell a ranked poll's rounds and how its ties were broken, with the seed at the end", () =>
    Effect.gen(function* () {
      const poll = yield* createPoll({ kind: "ranked", options: abc })
      const { events } = yield* watch(poll)
      yield* cast(
        poll,
        [["a"], ["a"], ["b"], ["c"]].map((ranking) => ({ ranking }))
      )
      const before = json(yield* request("GET", `/api/polls/${poll}`))
      assert.match(String(before.tie_seed_hash), /^[0-9a-f]{64}$/)
      assert.notProperty(before, "tie_seed")
      yield* closePoll(poll)
      yield* untilFinal(poll)
      const final = yield* eventually(
        Effect.map(resultsOf(poll), (shown) => {
          // Those of a moment before lead as well, and are of an earlier revision.
          assert.deepInclude(shown, { winners: ["a"], status: "final" })
          return shown
        })
      )
      assert.match(String(json(yield* request("GET", `/api/polls/${poll}`)).tie_seed), /^[0-9a-f]{64}$/)
      // The tabulation of a revision comes after that, in an event of the same revision.
      yield* until(() => events.at(-1)?.id.startsWith(`${final.revision}.${final.revision}-`) ?? false)
      const last = events.at(-1) ?? assert.fail()
      assert.deepInclude(last.data, { winners: ["a"], tabulation: final.tabulation, status: "final" })
      yield* expectResumed(poll, last, [last.id.replace(/\.\d+/, ""), last.id.replace(/\.\d+/, ".1")])
      const { ties } = final.tabulation as { ties: ReadonlyArray<Readonly<Record<string, unknown>>> }
      assert.deepInclude(ties[0], { round: 1, choice: "elimination", options: ["b", "c"] })
      const lines = yield* csvOf(poll)
      assert.match(lines[0] ?? "", /^option,label,count,percentage,status,leads,elected,round_1,.*,ties$/)
      assert.match(lines.find((line) => line.startsWith("b,")) ?? "", /round 1, elimination: [bc] of b and c, by draw/)
    }).pipe(Effect.scoped)
  )
})
