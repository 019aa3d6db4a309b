import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi } from "../support/api.ts"
import { raw } from "../support/wire.ts"
import { World } from "../support/world.ts"

const cats = '{"option":"cats"}'
const post = "POST /api/vote HTTP/1.1\r\nContent-Type: application/json\r\n"
const sized = `Content-Length: ${cats.length}\r\n`
const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
const chunked = `${cats.length.toString(16)}\r\n${cats}\r\n0\r\n\r\n`

for (const fastLane of [true, false]) {
  layer(layerApi({ fastLane }), { excludeTestServices: true })(
    `a head that two servers could understand in two ways, ${fastLane ? "by the lane" : "by the app"}`,
    (it) => {
      it.effect.each<readonly [string, string]>([
        ["two hosts", `${post}Host: a\r\nHost: b\r\n${sized}\r\n${cats}`],
        ["the same host twice", `${post}Host: a\r\nHost: a\r\n${sized}\r\n${cats}`],
        ["a host with a blank and a path", `${post}Host: a b/@\r\n${sized}\r\n${cats}`],
        ["a host with a user", `${post}Host: user@a\r\n${sized}\r\n${cats}`],
        ["an empty host", `${post}Host:\r\n${sized}\r\n${cats}`],
        ["a list of hosts", `${post}Host: a, b\r\n${sized}\r\n${cats}`],
        ["a port that is none", `${post}Host: a:8x\r\n${sized}\r\n${cats}`],
        ["a coding before chunked", `${post}Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${chunked}`],
        ["chunked twice", `${post}Host: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n${chunked}`],
        [
          "two lines of codings",
          `${post}Host: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`
        ],
        ["HTTP/2.0 in its line", "GET /health HTTP/2.0\r\nHost: a\r\n\r\n"],
        ["HTTP/0.9 in its line", "GET /health HTTP/0.9\r\nHost: a\r\n\r\n"],
        ["the target of another method", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"],
        ["a target with a user", "GET http://user@a/health HTTP/1.1\r\nHost: a\r\n\r\n"],
        ["a target of another kind", "GET ftp://a/health HTTP/1.1\r\nHost: a\r\n\r\n"]
      ])("with %s is a 400 that closes the connection", ([, bytes]) =>
        Effect.gen(function* () {
          const world = yield* World
          world.votes = []
          const answers = yield* raw(bytes + ask, 2)
          assert.lengthOf(answers, 1)
          const [answer] = answers
          if (answer === undefined) return assert.fail("no answer")
          assertProblem(answer, 400)
          assert.strictEqual(answer.headers.connection, "close")
          assert.isDefined(answer.headers.date)
          assert.strictEqual(answer.headers["x-frame-options"], "DENY")
          assert.strictEqual(world.votes.length, 0)
        })
      )

      it.effect("is taken with a host of any kind there is, and with a whole URL as its target", () =>
        Effect.gen(function* () {
          for (const host of ["a", "a.example:8000", "127.0.0.1:80", "[::1]:8000", "[2001:db8::1]", "a_b", "a:"]) {
            const [answer] = yield* raw(`${post}Host: ${host}\r\n${sized}\r\n${cats}`)
            assert.strictEqual(answer?.status, 201, host)
          }
          const whole = [
            ["POST http://b/api/vote HTTP/1.1", 201],
            ["POST HTTPS://b:8000/api/vote?x HTTP/1.1", 201],
            ["POST http://b HTTP/1.1", 405],
            ["POST http://b?x HTTP/1.1", 405]
          ] as const
          for (const [line, status] of whole) {
            const [answer] = yield* raw(`${post.replace(/^.*/, line)}Host: a\r\n${sized}\r\n${cats}`)
            assert.strictEqual(answer?.status, status, line)
          }
          const [options] = yield* raw("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
          assert.strictEqual(options?.status, 204)
          assert.strictEqual(options?.headers.allow, "GET, HEAD, POST, OPTIONS")
        })
      )
    }
  )
}

layer(layerApi({ adminTokens: ["the-admin-of-this-test"] }), { excludeTestServices: true })("a path", (it) => {
  it.effect.each([
    "/admin;x",
    "/metrics;x",
    "/%61dmin",
    "/%6Detrics",
    "/metrics%3f",
    "/api/polls;x",
    "/api/polls/cats-or-dogs;x",
    "/api/polls/%63ats-or-dogs",
    "/polls/cats-or-dogs;x",
    "/results;x?y",
    "/api%2fresults",
    "/api\\results"
  ])("has one spelling: %s is nowhere, for any method", (path) =>
    Effect.gen(function* () {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        const [answer] = yield* raw(
          `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`.replace("HEAD", "DELETE")
        )
        assert.strictEqual(answer?.status, 404, method)
      }
    })
  )

  it.effect("that is none is answered with a date, as all else", () =>
    Effect.gen(function* () {
      for (const bytes of ["garbage\r\n\r\n", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`]) {
        const [answer] = yield* raw(bytes)
        assert.isFalse(Number.isNaN(Date.parse(answer?.headers.date ?? "")))
      }
    })
  )
})
