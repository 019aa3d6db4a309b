import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, request } from "../../support/api.ts"
import { asAdmin, definition, layerPollsApi, post } from "../../support/pollsApi.ts"

const create = (body: unknown) => post("/api/polls", body, asAdmin)

/** The pointers of what is wrong with a definition, each with what was expected. */
const wrongFields = Effect.fnUntraced(function* (body: unknown) {
  const { errors } = assertProblem(yield* create(body), 422)
  const named = errors as ReadonlyArray<{ readonly pointer: string; readonly detail: string }>
  return Object.fromEntries(named.map(({ detail, pointer }) => [pointer, detail]))
})

const options = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `option-${index}`, label: `Option ${index}` }))

layer(layerPollsApi(), { excludeTestServices: true })("a poll's definition", (it) => {
  it.effect("takes 2 to 50 options, each with an id of its own", () =>
    Effect.gen(function* () {
      for (const count of [2, 50]) {
        assert.strictEqual((yield* create(definition({ options: options(count) }))).status, 201)
      }
      for (const count of [0, 1, 51]) {
        const wrong = yield* wrongFields(definition({ options: options(count) }))
        assert.deepStrictEqual(Object.keys(wrong), ["#/options"], `${count} options`)
      }
      const [first, second] = options(2)
      if (first === undefined || second === undefined) return assert.fail()
      const twice = yield* wrongFields(definition({ options: [first, second, { ...first, label: "Another" }] }))
      assert.deepStrictEqual(twice, { "#/options/2/id": "is the id of option 1" })
    })
  )

  it.effect(
    "may be as long as its fields allow, each letter with an escape; what is longer than any is not parsed",
    () =>
      Effect.gen(function* () {
        const send = (body: string) =>
          request("POST", "/api/polls", { headers: { ...asAdmin, "content-type": "application/json" }, body })
        const letters = (count: number) => "\u00e4".repeat(count)
        const longest = definition({
          slug: "p".repeat(64),
          title: letters(200),
          description: letters(2_000),
          options: Array.from({ length: 50 }, (_, index) => {
            const number = `${index}`.padStart(64, "0")
            return { id: number, label: letters(198) + number.slice(-2) }
          })
        })
        const escaped = JSON.stringify(longest).replaceAll("\u00e4", "\\u00e4")
        assert.isAbove(escaped.length, 70_000)
        assert.strictEqual((yield* send(escaped)).status, 201)
        assertProblem(yield* send(escaped.padEnd(131_072)), 409)
        const { detail } = assertProblem(yield* send(escaped.padEnd(131_073)), 422)
        assert.strictEqual(detail, "What is sent here is no longer than 131072 bytes")
      })
  )

  it.effect("names each wrong field at once, with what was expected, and repeats nothing of what was sent", () =>
    Effect.gen(function* () {
      const sent = {
        slug: "Sent-Slug",
        title: "",
        description: 4711,
        options: [
          { id: "sent id", label: "Sent\nlabel" },
          { id: "fine", label: "x".repeat(201), sentField: 1 }
        ],
        ballot: "sent-ballot",
        identity: "sent-identity",
        results: null,
        opens_at: "sent-time",
        closes_at: "2026-13-01T00:00:00Z",
        "sent/~field": "sent value"
      }
      const answer = yield* create(sent)
      const wrong = yield* wrongFields(sent)
      assert.sameMembers(Object.keys(wrong), [
        "#/slug",
        "#/title",
        "#/description",
        "#/options/0/id",
        "#/options/0/label",
        "#/options/1/label",
        "#/options/1/sentField",
        "#/ballot",
        "#/identity",
        "#/results",
        "#/opens_at",
        "#/closes_at",
        "#/sent~1~0field"
      ])
      for (const detail of Object.values(wrong)) assert.notMatch(detail, /sent|4711|xxx|2026-13/i)
      assert.match(wrong["#/slug"] ?? "", /1 to 64 of a-z, 0-9 and -/)
      assert.match(wrong["#/ballot"] ?? "", /open.*once.*changeable/)
      assert.match(wrong["#/closes_at"] ?? "", /a time that exists/)
      assert.notInclude(answer.body, "sent value")
    })
  )

  it.effect.each([
    ["no field", {}, ["#/slug", "#/title", "#/options", "#/ballot", "#/identity", "#/results"]],
    ["no object", [1], ["#"]],
    ["a day that there is not", definition({ closes_at: "2026-02-30T00:00:00Z" }), ["#/closes_at"]],
    ["a time without a zone", definition({ closes_at: "2126-01-01T00:00:00" }), ["#/closes_at"]],
    ["a character that no text holds", definition({ description: "a\u0000b" }), ["#/description"]],
    ["half a character", definition({ description: "a\ud800b" }), ["#/description"]],
    ["a slug of 65", definition({ slug: "a".repeat(65) }), ["#/slug"]],
    ["a slug with - at its end", definition({ slug: "tea-" }), ["#/slug"]],
    ["one vote of anyone", definition({ ballot: "once" }), ["#/identity"]],
    ["the latest vote of anyone", definition({ ballot: "changeable" }), ["#/identity"]],
    ["results for anyone who has voted", definition({ results: "after_vote" }), ["#/identity"]],
    [
      "an end before the beginning",
      definition({ opens_at: "2126-01-02T00:00:00Z", closes_at: "2126-01-01T00:00:00Z" }),
      ["#/closes_at"]
    ]
  ] as const)("refuses %s", ([, body, pointers]) =>
    Effect.gen(function* () {
      assert.sameMembers(Object.keys(yield* wrongFields(body)), [...pointers])
    })
  )

  it.effect("names each text that can't be seen, or not be told from another", () =>
    Effect.gen(function* () {
      const labels = ["Caf\u00e9", "Te\u200ba", "Cafe\u0301", "\u3164", "Cola", " Cola  ", "Co\ufe0fla", "cola"]
      const sent = definition({
        title: "\u2066Tea\u2069?",
        description: "Hot\u00ad",
        options: labels.map((label, index) => ({ id: `option-${index}`, label }))
      })
      assert.deepStrictEqual(yield* wrongFields(sent), {
        "#/title": "has a character that can't be seen: U+2066",
        "#/description": "has a character that can't be seen: U+00AD",
        "#/options/1/label": "has a character that can't be seen: U+200B",
        "#/options/3/label": "has a character that can't be seen: U+3164"
      })
      const readable = sent.options.filter((_, index) => index !== 1 && index !== 3)
      assert.deepStrictEqual(yield* wrongFields(definition({ options: readable })), {
        "#/options/1/label": "looks the same as option 1",
        "#/options/3/label": "looks the same as option 3",
        "#/options/4/label": "looks the same as option 3"
      })
    })
  )

  it.effect("keeps text in one spelling, with one end of a line", () =>
    Effect.gen(function* () {
      const answer = yield* create(
        definition({
          title: "Cafe\u0301?",
          description: "one\r\ntwo\rthree\nfour",
          options: [
            { id: "yes", label: "Se\u0301" },
            { id: "no", label: "No" }
          ]
        })
      )
      assert.strictEqual(answer.status, 201, answer.body)
      const { description, options, title } = json(answer)
      assert.deepStrictEqual(
        [title, description, options],
        [
          "Caf\u00e9?",
          "one\ntwo\nthree\nfour",
          [
            { id: "yes", label: "S\u00e9" },
            { id: "no", label: "No" }
          ]
        ]
      )
    })
  )

  it.effect.each([
    ["no JSON", "application/json", '{"slug":', 400, "The body is not JSON"],
    ["no UTF-8", "application/json", Buffer.from([0x22, 0xff, 0x22]), 400, "The body is not UTF-8"],
    ["another type", "text/plain", "{}", 415, "Send the body as JSON, with Content-Type: application/json"]
  ] as const)("refuses a body that is %s", ([, type, body, status, says]) =>
    Effect.gen(function* () {
      const answer = yield* request("POST", "/api/polls", { headers: { ...asAdmin, "content-type": type }, body })
      assert.strictEqual(assertProblem(answer, status).detail, says)
    })
  )
})
