import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { eventually, statuses } from "./servers.ts"
import { within } from "./within.ts"

/** What a connection to Redis is for, after Redis has gone or is elsewhere: votes are taken, heard of, and counted. */

export const cast = () => ({ voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: Date.now() })

/** Votes, and asserts that it works again within 5 s. */
export const votesWithin5s = Effect.gen(function* () {
  const stream = yield* VoteStream
  yield* within(5_000, eventually(Effect.suspend(() => stream.append(cast()))))
})

/** Asserts that what is announced from now on is heard. */
export const expectHeard = Effect.gen(function* () {
  const announcements = yield* Announcements
  const heard = new Set<string>()
  yield* announcements.listen("poll", (poll) => {
    if (poll !== undefined) heard.add(poll)
  })
  yield* within(
    5_000,
    eventually(
      Effect.gen(function* () {
        yield* announcements.announce("poll", "anew", "another")
        yield* Effect.sleep("20 millis")
        assert.sameMembers([...heard], ["anew", "another"])
      })
    )
  )
}).pipe(Effect.scoped)

export const expectCounted = (atLeast: number) =>
  eventually(
    Effect.gen(function* () {
      const { backlog } = yield* VoteStream
      assert.strictEqual(yield* backlog, 0)
      assert.isAtLeast((yield* statuses).counted ?? 0, atLeast)
    })
  )
