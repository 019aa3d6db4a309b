import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { eventually, statuses } from "./servers.ts"

/** What a connection to Redis is for, after Redis has gone or is elsewhere: votes are taken, heard of, and counted. */

export const cast = () => ({ voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: Date.now() })

/** Votes, and asserts that it works again within 5 s. */
export const votesWithin5s = Effect.gen(function* () {
  const stream = yield* VoteStream
  const start = performance.now()
  while (performance.now() - start < 5_000) {
    if ((yield* Effect.result(stream.append(cast())))._tag === "Success") return
    yield* Effect.sleep("20 millis")
  }
  return assert.fail("No vote was taken for 5 s")
})

/** Asserts that what is announced from now on is heard. */
export const expectHeard = Effect.gen(function* () {
  const announcements = yield* Announcements
  const heard = new Set<string>()
  yield* announcements.listen("poll", (poll) => {
    if (poll !== undefined) heard.add(poll)
  })
  const start = performance.now()
  yield* eventually(
    Effect.gen(function* () {
      yield* announcements.announce("poll", "anew", "another")
      yield* Effect.sleep("20 millis")
      assert.sameMembers([...heard], ["anew", "another"])
    })
  )
  assert.isBelow(performance.now() - start, 5_000)
}).pipe(Effect.scoped)

export const expectCounted = (atLeast: number) =>
  eventually(
    Effect.gen(function* () {
      const { backlog } = yield* VoteStream
      assert.strictEqual(yield* backlog, 0)
      assert.isAtLeast((yield* statuses).counted ?? 0, atLeast)
    })
  )
