import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Load, startLoad } from "../support/load.ts"
import { type Program, startApi, startConsumer } from "../support/processes.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

const restarts = 4
const connections = 16
/** In ms. Some connections are idle when the signal comes, and have a request on its way when the program obeys. */
const pace = 20

/** Tells a program to stop, and asserts that it ends in order. */
const stop = Effect.fnUntraced(function* (program: Program) {
  program.signal("SIGTERM")
  assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null }, program.stdout() + program.stderr())
})

/** Waits for more votes to be accepted, so that the load is there when the signal comes. */
const moreVotes = Effect.fnUntraced(function* (load: Load, votes = 50) {
  const wanted = load.receipts.length + votes
  yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, wanted)))
})

/** Sends the load's votes to a program that is stopped while they come, and then to the next one. */
const restartUnderLoad = Effect.fnUntraced(function* (role: "api" | "all") {
  const site = yield* makeSite()
  const next = Effect.tap(startApi(role, { env: site.env }), ({ url }) => untilReady(url))
  let current = yield* next
  const load = yield* startLoad({ url: () => current.url, connections, pace })
  for (let restart = 0; restart < restarts; restart++) {
    const successor = yield* next
    yield* moreVotes(load)
    yield* stop(current)
    current = successor
  }
  yield* moreVotes(load)
  yield* load.stop
  // A connection that can't be made carries no request; every request that was sent is answered.
  const { refused: _, "201": accepted, ...others } = load.outcomes
  assert.deepStrictEqual(others, {})
  assert.strictEqual(accepted, load.receipts.length)

  if (role === "api") yield* startConsumer({ env: site.env })
  assert.strictEqual(yield* expectCounted(site, load.receipts), load.receipts.length)
})

describe("a restart under load", () => {
  it.live("of an API leaves no request without its answer", () => restartUnderLoad("api"))

  it.live("of both roles in one loses no vote", () => restartUnderLoad("all"))

  it.live("of consumers loses no vote and counts none twice", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { url } = yield* startApi("api", { env: site.env })
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections, pace })
      let current = yield* startConsumer({ env: site.env })
      for (let restart = 0; restart < restarts; restart++) {
        const successor = yield* startConsumer({ env: site.env })
        yield* moreVotes(load)
        yield* stop(current)
        current = successor
      }
      yield* moreVotes(load)
      yield* load.stop
      assert.deepStrictEqual(load.outcomes, { "201": load.receipts.length })
      assert.strictEqual(yield* expectCounted(site, load.receipts), load.receipts.length)
    })
  )
})
