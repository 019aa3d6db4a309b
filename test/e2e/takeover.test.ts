import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { vote } from "./call.ts"
import { holdLedger, makeDetour, untilInHand } from "./hold.ts"
import { entriesInHand, expectCounted, makeSite, patiently, type Site, untilReady } from "./site.ts"

const claimIdle = { CLAIM_IDLE_MS: "300" }

const castVotes = Effect.fnUntraced(function* (site: Site, votes: number) {
  const { url } = yield* startApi("api", { env: site.env })
  yield* untilReady(url)
  const load = yield* startLoad({ url: () => url, connections: 4, votes })
  yield* load.done
  assert.strictEqual(load.receipts.length, votes)
  return { url, receipts: load.receipts }
})

describe("a consumer that goes away with a batch in hand", () => {
  it.live("killed, is replaced by another one, and nothing is counted twice", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { receipts } = yield* castVotes(site, 50)
      const { release } = yield* holdLedger(site)
      const killed = yield* startConsumer({ env: site.env })
      yield* untilInHand(site)
      killed.signal("SIGKILL")
      assert.deepStrictEqual(yield* killed.ended, { code: null, signal: "SIGKILL" })
      // The database may still finish what it was asked to do, once the lock is gone.
      yield* release

      const other = yield* startConsumer({ env: { ...site.env, ...claimIdle } })
      yield* other.says(/took over \d+ votes/)
      assert.strictEqual(yield* expectCounted(site, receipts), 50)
    })
  )

  it.live("stopped for longer than the idle time, does no harm when it goes on", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { receipts, url } = yield* castVotes(site, 50)
      const detour = yield* makeDetour(site.env.DATABASE_URL)
      // Only the other one takes over, so that this one's batch stays as it is.
      const stopped = yield* startConsumer({ env: { ...site.env, DATABASE_URL: detour.url, CONSUMER_FIBERS: "1" } })
      yield* patiently(Effect.map(entriesInHand(site), (inHand) => assert.strictEqual(inHand, 0)))
      yield* expectCounted(site, receipts)

      yield* detour.hold
      const { body } = yield* vote(url, "dogs")
      const all = [...receipts, { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }]
      yield* untilInHand(site)
      stopped.signal("SIGSTOP")
      const other = yield* startConsumer({ env: { ...site.env, ...claimIdle } })
      yield* other.says(/took over 1 votes/)
      assert.strictEqual(yield* expectCounted(site, all), 51)

      stopped.signal("SIGCONT")
      yield* detour.letGo
      // Once it takes part again, it has finished the old batch.
      other.signal("SIGTERM")
      assert.deepStrictEqual(yield* other.ended, { code: 0, signal: null })
      const { body: last } = yield* vote(url, "cats")
      all.push({ voteId: `${last.vote_id}`, streamId: `${last.stream_id}` })
      assert.strictEqual(yield* expectCounted(site, all), 52)
    })
  )
})
