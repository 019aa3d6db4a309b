import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, layerApi, request, vote } from "../../support/api.ts"
import { freshWorld, streamId } from "../../support/world.ts"

const voteId = "0190163d-8694-739b-aea5-966c26f8ad90"

layer(layerApi(), { excludeTestServices: true })("GET /api/votes/<vote_id>", (it) => {
  it.effect("says that a vote waits, where its receipt points to", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const { headers } = yield* vote()
      const answer = yield* request("GET", headers.location ?? "")
      assert.strictEqual(answer.status, 200)
      const { vote_id: id, ...rest } = json(answer)
      assert.include(headers.location, String(id))
      assert.deepStrictEqual(rest, { poll: "cats-or-dogs", status: "queued" })
      assert.strictEqual(answer.headers["cache-control"], "no-store")
    })
  )

  it.effect.each([
    { vote_id: voteId, poll: "cats-or-dogs", status: "counted" },
    { vote_id: voteId, poll: "cats-or-dogs", status: "superseded" },
    { vote_id: voteId, poll: "cats-or-dogs", status: "rejected", reason: "the poll was closed" },
    { vote_id: voteId, poll: null, status: "dead", reason: "it can't be decoded" }
  ] as const)("says what the ledger says: $status", (status) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      world.receipts.set(voteId, status)
      for (const query of ["", `?stream_id=${streamId}`]) {
        const answer = yield* request("GET", `/api/votes/${voteId.toUpperCase()}${query}`)
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(json(answer), status)
      }
    })
  )

  it.effect("prefers the ledger to a stream that still holds the vote", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const { vote_id: id } = json(yield* vote())
      world.receipts.set(String(id), { vote_id: String(id), poll: "cats-or-dogs", status: "counted" })
      const answer = yield* request("GET", `/api/votes/${id}?stream_id=${streamId}`)
      assert.strictEqual(json(answer).status, "counted")
    })
  )

  it.effect("does not take a vote for a waiting one that the stream holds and the ledger keeps no more", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const { headers } = yield* vote()
      world.oldest = "ffffffff"
      const answer = yield* request("GET", headers.location ?? "")
      assert.strictEqual(assertProblem(answer, 404).detail, "Votes as old as this are no longer kept one by one")
    })
  )

  it.effect.each(["", `?stream_id=${streamId}`, "?stream_id=18446744073709551615-18446744073709551615"])(
    "says 404 for a vote that was never accepted%s",
    (query) =>
      Effect.gen(function* () {
        yield* freshWorld
        const answer = yield* request("GET", `/api/votes/${voteId}${query}`)
        const { detail, instance } = assertProblem(answer, 404)
        assert.strictEqual(detail, "No such vote was accepted")
        assert.strictEqual(instance, `/api/votes/${voteId}`)
      })
  )

  it.effect.each([
    ["x", ["#/vote_id"]],
    ["0190163d-8694-439b-aea5-966c26f8ad90", ["#/vote_id"]],
    ["x?stream_id=y", ["#/vote_id", "#/stream_id"]],
    [`${voteId}?stream_id=`, ["#/stream_id"]],
    [`${voteId}?stream_id=1`, ["#/stream_id"]],
    [`${voteId}?stream_id=-`, ["#/stream_id"]],
    [`${voteId}?stream_id=18446744073709551616-0`, ["#/stream_id"]],
    [`${voteId}?stream_id=0-18446744073709551616`, ["#/stream_id"]]
  ] as const)("refuses %s", ([path, pointers]) =>
    Effect.gen(function* () {
      const { detail, errors } = assertProblem(yield* request("GET", `/api/votes/${path}`), 422)
      assert.strictEqual(detail, "The vote_id or the stream_id is not one of a receipt")
      assert.deepStrictEqual(
        (errors as ReadonlyArray<{ readonly pointer: string }>).map(({ pointer }) => pointer),
        [...pointers]
      )
    })
  )

  it.effect("refuses a query that names two entries, and a path that is too long or no text", () =>
    Effect.gen(function* () {
      const twice = yield* request("GET", `/api/votes/${voteId}?stream_id=1-0&stream_id=2-0`)
      assert.strictEqual(assertProblem(twice, 400).detail, "The query is not understood")
      for (const id of ["a".repeat(5_000), "%ff", "%zz", "%3Cscript%3E"]) {
        for (const method of ["GET", "HEAD"]) {
          const { status } = yield* request(method, `/api/votes/${id}`)
          assert.strictEqual(status, 404)
        }
      }
    })
  )

  it.effect.each(["redis", "database"] as const)("says 503 while %s is away", (part) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      world[part] = "away"
      const answer = yield* request("GET", `/api/votes/${voteId}?stream_id=${streamId}`)
      assert.strictEqual(assertProblem(answer, 503).detail, "Receipts temporarily unavailable")
      assert.strictEqual(answer.headers["retry-after"], "1")
    })
  )
})
