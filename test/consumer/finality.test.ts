import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { replayLetter } from "../../src/cli/DeadLettersCommand.ts"
import { layerFinality, makeFinishing } from "../../src/consumer/Finality.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { pollStatus } from "../../src/domain/PollStatus.ts"
import { OutOfService } from "../../src/domain/Problems.ts"
import { makeVoteId, type Vote } from "../../src/domain/Vote.ts"
import { elapsed, elapsedMs } from "../../src/Elapsed.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { type ClosedPoll, PollStore } from "../../src/ledger/PollStore.ts"
import { rebuildTallies } from "../../src/ledger/TallyBooks.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { everyShard, type Shard, Shards } from "../../src/stream/Shards.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { eventually, layerServers, testSettings } from "../support/servers.ts"
import { createPoll, tallyOf, voteAt } from "../support/votes.ts"
import { noKeyMemory } from "../support/world.ts"

/** One turn of a process, once Redis has had the time for it. */
const finishing = Effect.map(makeFinishing, ({ finish }) => eventually(finish))

const cast = (poll: string, option = "tea"): Vote => ({
  voteId: makeVoteId(),
  poll,
  choice: option,
  castAt: Date.now()
})

const append = (poll: string) => Effect.flatMap(VoteStream, (stream) => stream.append(cast(poll)))

/** Closes a poll now, as an API does. */
const close = Effect.fnUntraced(function* (poll: string) {
  const [acts, stream] = [yield* PollActs, yield* VoteStream]
  yield* acts.close(poll, stream.closingTime)
})

const readGroup = ({ client, stream }: Shard) =>
  Effect.promise(() => client.xreadgroup("GROUP", "vote-processors", "someone", "STREAMS", stream, ">"))

const tallyIn = (poll: string) =>
  Effect.flatMap(Ledger, (ledger) => ledger.tally(poll)).pipe(
    Effect.map((tally) => tally ?? assert.fail("no such poll"))
  )

const expectStatus = Effect.fnUntraced(function* (poll: string, status: string) {
  const { now } = yield* VoteStream
  assert.strictEqual(pollStatus(yield* tallyIn(poll), now()), status)
})

/** A poll with one vote for tea, which is final. */
const finalPoll = Effect.gen(function* () {
  const ledger = yield* Ledger
  const closesMs = Date.now() - 60_000
  const poll = yield* createPoll({ closesMs })
  yield* ledger.count(VoteColumns.of([voteAt(closesMs - 1_000, poll, "tea")]))
  assert.deepStrictEqual(yield* yield* finishing, [poll])
  return { poll, closesMs }
})

/** Asserts that the result has changed after it was final, when it had one vote for tea. */
const expectChanged = Effect.fnUntraced(function* (poll: string, before: { readonly revision: number }) {
  const { changedAfterFinal, revision } = yield* tallyIn(poll)
  assert.deepStrictEqual(changedAfterFinal?.counts, [
    { option: "tea", count: 1 },
    { option: "coffee", count: 0 }
  ])
  assert.isAbove(revision, before.revision)
  yield* expectStatus(poll, "final")
})

describe("a poll that has closed", () => {
  it.live("counts while a vote that was accepted in time is not given out, or not acked, and is final then", () =>
    Effect.gen(function* () {
      const finish = yield* finishing
      const { current } = yield* Shards
      const [shard] = current
      if (shard === undefined) return assert.fail()
      const poll = yield* createPoll()
      const open = yield* createPoll({ closesMs: Date.now() + 3_600_000 })
      yield* Effect.promise(() => shard.client.ensureGroup(shard.stream, "vote-processors"))
      const id = yield* append(poll)
      yield* close(poll)
      assert.deepStrictEqual(yield* finish, [])
      yield* expectStatus(poll, "counting")
      yield* readGroup(shard)
      assert.deepStrictEqual(yield* finish, [])
      yield* expectStatus(poll, "counting")
      // One that came after the close does not hold it up.
      yield* append(poll)
      yield* Effect.promise(() => shard.client.xack(shard.stream, "vote-processors", id))
      const { revision } = yield* tallyIn(poll)
      assert.deepStrictEqual(yield* finish, [poll])
      assert.isAbove((yield* tallyIn(poll)).revision, revision)
      yield* expectStatus(poll, "final")
      yield* expectStatus(open, "open")
      assert.deepStrictEqual(yield* finish, [])
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("becomes final with all others that closed by then and no later, by one of several processes", () =>
    Effect.gen(function* () {
      const polls = yield* Effect.forEach([3_000, 2_000, 1_000], (ago) => createPoll({ closesMs: Date.now() - ago }))
      const later = yield* createPoll()
      yield* append(later)
      yield* close(later)
      const turns = yield* Effect.forEach([1, 2, 3, 4], () => Effect.flatten(finishing), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(turns.flat().sort(), [...polls].sort())
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("counts while a shard has votes, those that it no longer appends to and that others may make too", () =>
    Effect.gen(function* () {
      const finish = yield* finishing
      const redis = yield* Redis
      const { stream } = yield* StreamSettings
      const [former, first, second, third, fourth] = everyShard(redis, stream)
      if (!former || !first || !second || !third || !fourth) throw new Error("There are shards")
      const poll = yield* createPoll()
      const add = ({ client, stream }: Shard) =>
        Effect.promise(() => client.xadd(stream, "*", ...encodeVote(cast(poll))))
      yield* add(second)
      yield* add(former)
      // As a process says that appends to four shards, and has not done so yet.
      yield* Effect.promise(() =>
        third.client.lookAtShards(["2", third.stream, `${third.keyPrefix}:counts`, "60000", "4"])
      )
      yield* close(poll)
      const { closesMs = 0 } = yield* tallyIn(poll)
      const counted = ({ client, stream }: Shard) =>
        eventually(
          Effect.map(
            Effect.promise(() => client.countedUpTo(stream, "vote-processors", closesMs)),
            (ms) => assert.strictEqual(Number(ms), closesMs)
          )
        )
      assert.deepStrictEqual(yield* finish, [])
      yield* Effect.provide(counted(second), layerPool)
      assert.deepStrictEqual(yield* finish, [])
      yield* Effect.provide(counted(former), layerHousekeeping)
      assert.deepStrictEqual(yield* finish, [poll])
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 2, coffee: 0 })
      for (const { client, stream } of [former, first, second, third, fourth]) {
        const refusal = yield* Effect.promise(() =>
          client.xadd(stream, `${closesMs - 1}-0`, "v", "1").catch((error: Error) => error.message)
        )
        assert.match(refusal ?? "", /equal or smaller/)
      }
    }).pipe(Effect.provide(layerServers({ shards: 2 })))
  )

  it.effect("is found without the database being asked each time, also where it was to close later", () =>
    Effect.gen(function* () {
      let polls: ReadonlyArray<ClosedPoll> = []
      const asked: Array<number> = []
      let changed = (_poll: string) => {}
      const client = { countedUpTo: (_stream: string, _group: string, ms: number) => Promise.resolve(`${ms}`) }
      const shard = { stream: "votes", client } as unknown as Shard
      const now = Effect.map(elapsed, (ms) => ms + 1_000_000)
      const clock = yield* Clock.Clock
      const { finish, waiting } = yield* makeFinishing.pipe(
        Effect.provide([
          Layer.mock(Shards, { current: [shard], of: () => shard, possible: Effect.succeed([shard]) }),
          Layer.mock(VoteStream, { now: () => 1_000_000 + elapsedMs(clock), keyMemory: noKeyMemory }),
          Layer.mock(PollStore, {
            counting: (until) =>
              Effect.map(now, (ms) => {
                asked.push(ms - 1_000_000)
                return polls.filter(({ closesMs }) => closesMs <= until)
              }),
            finish: (slug) =>
              Effect.sync(() => {
                polls = polls.filter((poll) => poll.slug !== slug)
                return true
              })
          }),
          Layer.mock(Announcements, {
            announce: () => Effect.void,
            listen: (_topic, listener) =>
              Effect.sync(() => {
                changed = listener
              })
          }),
          Layer.succeed(StreamSettings, testSettings())
        ])
      )
      /** Takes the turns of so many seconds, as often as they are taken; returns what has become final. */
      const turns = Effect.fnUntraced(function* (seconds: number) {
        const end = (yield* elapsed) + 1_000 * seconds
        const finished: Array<string> = []
        while ((yield* elapsed) < end) {
          finished.push(...(yield* finish))
          yield* TestClock.adjust(waiting() ? 500 : 5_000)
        }
        return finished
      })
      assert.deepStrictEqual(yield* turns(10), [])
      assert.deepStrictEqual(asked.splice(0), [0, 5_000])
      polls = [{ slug: "in-three", closesMs: 1_013_000 }]
      assert.deepStrictEqual(yield* turns(5), ["in-three"])
      // While it is near, it is waited for without a question.
      assert.deepStrictEqual(asked.splice(0), [10_000, 13_500])
      // And so is what comes before it, until a change is announced.
      const at = yield* now
      polls = [{ slug: "later", closesMs: at + 4_000 }]
      assert.deepStrictEqual(yield* finish, [])
      polls = [{ slug: "now", closesMs: at }, ...polls]
      assert.deepStrictEqual(yield* finish, [])
      changed("now")
      assert.deepStrictEqual(yield* finish, ["now"])
    })
  )

  it.effect("is looked for again soon while the database is away, also where none was known to close", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const start = yield* elapsed
      const counting = Effect.gen(function* () {
        const at = (yield* elapsed) - start
        asked.push(at)
        return at < 1_000 ? yield* new OutOfService({ part: "database", cause: new Error("refused") }) : []
      })
      yield* Layer.build(layerFinality).pipe(
        Effect.provide([
          // The one that is away is the database: Redis is not asked.
          Layer.succeed(Redis, { clustered: false } as Redis["Service"]),
          Layer.mock(Ledger, { migrated: Effect.void }),
          Layer.mock(PollStore, { counting: () => counting }),
          Layer.mock(VoteStream, { now: () => 1_000_000, keyMemory: noKeyMemory }),
          Layer.succeed(Announcements, { announce: () => Effect.void, listen: () => Effect.void }),
          Layer.succeed(StreamSettings, testSettings())
        ])
      )
      yield* TestClock.adjust(6_000)
      assert.deepStrictEqual(asked, [0, 500, 1_000, 5_000])
    })
  )

  it.live("is not closed again once it is final", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const { closesMs, poll } = yield* finalPoll
      assert.isDefined(yield* acts.close(poll, Effect.succeed(closesMs - 1_000)))
      assert.strictEqual((yield* tallyIn(poll)).closesMs, closesMs)
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 1, coffee: 0 })
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("a final result says that it has changed", () => {
  it.live("where a dead letter is counted after all", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const { closesMs, poll } = yield* finalPoll
      const before = yield* tallyIn(poll)
      assert.isUndefined(before.changedAfterFinal)
      const vote = voteAt(closesMs - 500, poll, "tea")
      yield* ledger.bury([
        {
          ...vote,
          reason: "refused",
          stream: "votes",
          entryId: `${vote.ms}-${vote.seq}`,
          deliveries: 1n,
          fields: encodeVote(vote).map((field) => Buffer.from(`${field}`))
        }
      ])
      assert.isUndefined((yield* tallyIn(poll)).changedAfterFinal)
      const letters = yield* DeadLetters
      const [letter] = yield* letters.list({ voteId: vote.voteId })
      assert.deepInclude(yield* replayLetter(letters, letter ?? assert.fail()), { status: "counted" })
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 2, coffee: 0 })
      yield* expectChanged(poll, before)
    }).pipe(Effect.provide(DeadLetters.layer), Effect.provide(layerServers()))
  )

  it.live("where a late vote turns out to have been accepted in time, and not for the late vote", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const { closesMs, poll } = yield* finalPoll
      const late = voteAt(closesMs + 5, poll, "coffee")
      yield* ledger.count(VoteColumns.of([late]))
      const before = yield* tallyIn(poll)
      assert.isUndefined(before.changedAfterFinal)
      yield* ledger.count(VoteColumns.of([{ ...late, ms: BigInt(closesMs - 5) }]))
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 1, coffee: 1 })
      yield* expectChanged(poll, before)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("where an audit makes its tallies anew", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { poll } = yield* finalPoll
      yield* rebuildTallies
      const before = yield* tallyIn(poll)
      assert.isUndefined(before.changedAfterFinal)
      yield* sql`update tally set count = 7 where poll = ${poll} and option = 'coffee'`
      assert.strictEqual(yield* rebuildTallies, 1)
      yield* expectChanged(poll, before)
    }).pipe(Effect.provide(layerServers()))
  )
})
