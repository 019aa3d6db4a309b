import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { layerApi } from "../support/api.ts"
import { withPublicFolder } from "../support/publicFolder.ts"
import { raw } from "../support/wire.ts"
import { World } from "../support/world.ts"

const head = "POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
const cats = '{"option":"cats"}'
const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

const token = "the-admin-of-this-test"
const jsonHead = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer ${token}\r\n\r\n`
const formHead =
  "POST /polls/cats-or-dogs HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"

const layerPageRoutes = withPublicFolder((folder) => layerApi({ adminTokens: [token] }, folder))

/* Where a body ends: what two servers in a row could disagree about must not be a vote. */
layer(layerPageRoutes, { excludeTestServices: true })("the length of a body", (it) => {
  it.effect("takes no more of a body than was declared", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      const answers = yield* raw(`${head}Content-Length: 5\r\n\r\n${cats}`, 3)
      assert.strictEqual(answers.length, 1)
      assert.strictEqual(answers[0]?.status, 400)
      assert.strictEqual(world.votes.length, 0)
    })
  )

  it.effect.each([
    ["not a number", "Content-Length: ten\r\n"],
    ["negative", "Content-Length: -1\r\n"],
    ["hexadecimal", "Content-Length: 0x11\r\n"],
    ["empty", "Content-Length: \r\n"],
    ["a list", "Content-Length: 17, 17\r\n"],
    ["there twice", "Content-Length: 17\r\nContent-Length: 18\r\n"],
    ["together with chunks", "Content-Length: 17\r\nTransfer-Encoding: chunked\r\n"],
    ["together with chunks, the other way", "Transfer-Encoding: chunked\r\nContent-Length: 17\r\n"],
    ["missing, with a transfer encoding that is not known", "Transfer-Encoding: xchunked\r\n"]
  ])("refuses a length that is %s, and closes the connection", ([, headers]) =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      const answers = yield* raw(`${head}${headers}\r\n${cats}${ask}`, 2)
      assert.strictEqual(answers.length, 1)
      assert.strictEqual(answers[0]?.status, 400)
      assert.strictEqual(answers[0]?.headers.connection, "close")
      assert.strictEqual(world.votes.length, 0)
    })
  )

  it.effect.each([
    ["a vote", jsonHead("/api/vote"), 400],
    ["a vote by the short name", jsonHead("/vote"), 400],
    ["a vote in a poll", jsonHead("/api/polls/cats-or-dogs/votes"), 400],
    ["a vote from a form", formHead, 422],
    ["a poll", jsonHead("/api/polls"), 400],
    ["tokens", jsonHead("/api/polls/cats-or-dogs/tokens"), 400],
    ["to close a poll", jsonHead("/api/polls/nowhere/close"), 404]
  ] as const)("answers %s without a word about a body, and keeps the connection", ([, head, status]) =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      const answers = yield* raw(head + ask, 2)
      assert.deepStrictEqual(
        answers.map((answer) => answer.status),
        [status, 200]
      )
      assert.strictEqual(world.votes.length, 0)
    })
  )
})
