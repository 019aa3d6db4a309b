import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import type { Poll } from "../../src/domain/Poll.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, tallyOf } from "../support/votes.ts"

const voter = "A".repeat(22)

/** A vote of the voter that was accepted at a time. */
const vote = (poll: string, ms: number, choice = "tea", more: Partial<AcceptedVote> = {}): AcceptedVote => ({
  voteId: makeVoteId(),
  poll,
  choice,
  voter,
  castAt: 1,
  ms: BigInt(ms),
  seq: 0n,
  ...more
})

/** Counts one, and returns its id. */
const count = Effect.fnUntraced(function* (...[poll, ms, choice, more]: Parameters<typeof vote>) {
  const ledger = yield* Ledger
  const one = vote(poll, ms, choice, more)
  yield* ledger.count(VoteColumns.of([one]))
  return one.voteId
})

/** Counts a vote while something that changes its poll is under way, and is done before it. */
const whileCounting = Effect.fnUntraced(function* <A, E, R>(one: AcceptedVote, change: Effect.Effect<A, E, R>) {
  const ledger = yield* Ledger
  const release = yield* held(change)
  // Begun anew, as the pool does, where it was begun with what is no longer so.
  const counting = yield* Effect.forkChild(Effect.retry(ledger.count(VoteColumns.of([one])), { times: 1 }))
  yield* untilWaiting("transactionid", "ShareLock")
  yield* release
  return yield* Fiber.join(counting)
})

/** What became of a poll's votes, by their acceptance, with the reasons. */
const fatesOf = (poll: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ status: string; reason: string | null }>`
        select status, reason from vote where poll = ${poll} order by accepted_ms, accepted_seq`,
      (rows) => rows.map(({ reason, status }) => (reason === null ? status : `${status}: ${reason}`))
    )
  )

const hasVoted = "rejected: the voter has voted"
const wasClosed = "rejected: the poll was closed"
const notOpen = "rejected: the poll was not open yet"

layer(layerServers(), { excludeTestServices: true })("a poll whose closing time changes", (it) => {
  it.effect.each([
    ["is closed later than all votes", {}, { closesMs: 5_000 }, 4_000, "counted"],
    ["is closed among its votes", {}, { closesMs: 5_000 }, 5_001, wasClosed],
    ["is to close later than it was", { closesMs: 5_000 }, { closesMs: 9_000 }, 4_999, wasClosed],
    ["was to close by now", { closesMs: 5_000 }, { closesMs: 9_000 }, 5_001, "counted"],
    ["is open again", { closesMs: 5_000 }, { shut: [[5_000, 5_500]] }, 5_500, wasClosed],
    ["was never closed", { closesMs: 5_000 }, {}, 5_500, "counted"],
    ["opens as before", { opensMs: 1_000, closesMs: 5_000 }, { opensMs: 1_000, closesMs: 9_000 }, 4_999, wasClosed],
    ["opens later", {}, { opensMs: 7_000 }, 1_000, notOpen]
  ] as ReadonlyArray<readonly [string, Partial<Poll>, Partial<Poll>, number, string]>)(
    "decides over its votes only where that may change, and its viewers see it: it %s",
    ([, before, after, votesBefore, fate]) =>
      Effect.gen(function* () {
        const acts = yield* PollActs
        const { tally } = yield* Ledger
        const slug = yield* createPoll(before)
        // Against what is promised, so that it shows whether it was looked at.
        yield* count(slug, 6_000)
        const earlier = yield* tally(slug)
        yield* acts.act(slug, "edit", ({ poll: { closesMs: _, opensMs: __, shut: ___, ...poll } }) =>
          Effect.succeed({ poll: { ...poll, ...after }, votesBefore })
        )
        assert.deepStrictEqual(yield* fatesOf(slug), [fate])
        assert.isAbove((yield* tally(slug))?.revision ?? 0, earlier?.revision ?? 0)
      })
  )

  it.effect("is held closed without a look at its votes, and takes those of that time where it never was", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const poll = yield* createPoll()
      yield* count(poll, 6_000)
      yield* acts.hold(poll, 5_000, 4_000, "close")
      assert.deepStrictEqual(yield* fatesOf(poll), ["counted"])
      yield* count(poll, 7_000, "tea", { voter: "B".repeat(22) })
      assert.deepStrictEqual(yield* fatesOf(poll), ["counted", wasClosed])
      yield* acts.hold(poll, 5_000, 4_000, "open")
      assert.deepStrictEqual(yield* fatesOf(poll), ["counted", "counted"])
    })
  )

  it.effect("closes a while ahead of all votes without a look at them", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const poll = yield* createPoll()
      yield* count(poll, 6_000)
      assert.propertyVal(yield* acts.close(poll, Effect.succeed(4_000), 1_000), "closesMs", 5_000)
      assert.deepStrictEqual(yield* fatesOf(poll), ["counted"])
    })
  )

  it.effect.each([
    ["once", ["counted", hasVoted], ["counted", hasVoted, wasClosed]],
    ["changeable", ["superseded", "counted"], ["superseded", "counted", wasClosed]]
  ] as ReadonlyArray<readonly ["once" | "changeable", Array<string>, Array<string>]>)(
    "%s: knows who has voted, also of a vote that is counted afterwards",
    ([ballot, both, all]) =>
      Effect.gen(function* () {
        const acts = yield* PollActs
        const poll = yield* createPoll({ ballot, identity: "browser" })
        yield* count(poll, 1_000)
        yield* acts.close(poll, Effect.succeed(3_000))
        yield* count(poll, 2_000)
        assert.deepStrictEqual(yield* fatesOf(poll), both)
        yield* count(poll, 4_000)
        assert.deepStrictEqual(yield* fatesOf(poll), all)
      })
  )

  it.effect.each([
    [{ opensMs: 2_000 }, [2_000, "counted"], [1_999, notOpen]],
    [{ closesMs: 2_000 }, [2_000, wasClosed], [1_999, "counted"]],
    [{ shut: [[2_000, 3_000]] }, [2_999, wasClosed], [1_999, "counted"]],
    [{ shut: [[2_000, 3_000]] }, [3_000, "counted"], [2_000, wasClosed]]
  ] as ReadonlyArray<readonly [Partial<Poll>, readonly [number, string], readonly [number, string]]>)(
    "%j: counts a vote by its earlier entry, also where the later one was read first",
    ([times, [later, before], [earlier, after]]) =>
      Effect.gen(function* () {
        const poll = yield* createPoll(times)
        const voteId = yield* count(poll, later)
        assert.deepStrictEqual(yield* fatesOf(poll), [before])
        yield* count(poll, earlier, "tea", { voteId })
        assert.deepStrictEqual(yield* fatesOf(poll), [after])
        assert.deepStrictEqual(yield* tallyOf(poll), { tea: after === "counted" ? 1 : 0, coffee: 0 })
      })
  )

  it.effect("says of a vote that does not count anyway that it came too late, and leaves a dead one dead", () =>
    Effect.gen(function* () {
      const [acts, ledger] = [yield* PollActs, yield* Ledger]
      const poll = yield* createPoll({ ballot: "once", identity: "browser" })
      yield* count(poll, 1_000)
      yield* count(poll, 2_000)
      const letter = { reason: "refused", stream: "votes", entryId: "1-1", deliveries: 1n, fields: [] }
      yield* ledger.bury([{ ...vote(poll, 500), ...letter }])
      assert.deepStrictEqual(yield* fatesOf(poll), ["dead: refused", "counted", hasVoted])
      yield* acts.close(poll, Effect.succeed(1_500))
      assert.deepStrictEqual(yield* fatesOf(poll), ["dead: refused", "counted", wasClosed])
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 1, coffee: 0 })
    })
  )

  it.effect("keeps the books of votes whose rows say that they count, and do not", () =>
    Effect.gen(function* () {
      const [acts, sql] = [yield* PollActs, yield* SqlClient.SqlClient]
      const poll = yield* createPoll({ ballot: "changeable", identity: "browser" })
      yield* count(poll, 1_000, "tea")
      yield* count(poll, 4_000, "coffee")
      const other = { voter: "B".repeat(22) }
      yield* count(poll, 1_000, "coffee", other)
      yield* count(poll, 2_000, "tea", other)
      yield* acts.close(poll, Effect.succeed(3_000))
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 2, coffee: 0 })
      assert.deepStrictEqual(yield* sql`select choice, votes from displaced where poll = ${poll} order by choice`, [
        { choice: "coffee", votes: 1n },
        { choice: "tea", votes: 0n }
      ])
    })
  )
})

layer(layerServers(), { excludeTestServices: true })("a poll that changes while votes for it are counted", (it) => {
  it.effect.each([
    ["opens_ms = 1001", [notOpen, "counted"]],
    ["closes_ms = 1001", ["counted", wasClosed]],
    ["shut = '{[1001,2000)}'", ["counted", wasClosed]],
    ["ballot = 'once'", ["counted", hasVoted]]
  ] as const)("%s: decides over them as it is by then", ([change, fates]) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "changeable", identity: "browser" })
      yield* count(poll, 1_000)
      const changing = Effect.andThen(
        sql.unsafe(`update poll set ${change} where slug = $1`, [poll]),
        sql`select settle_poll(${poll})`
      )
      yield* whileCounting(vote(poll, 1_001), changing)
      assert.deepStrictEqual(yield* fatesOf(poll), [...fates])
    })
  )

  it.effect.each([
    ["opens_ms = 7000, closes_ms = 9000", 7_500, "counted"],
    ["closes_ms = 1002", 1_001, "counted"],
    ["shut = '{[1002,9000)}'", 1_001, "counted"],
    ["closes_ms = 1001", 1_001, "rejected"],
    ["opens_ms = 7000", 1_001, "rejected"],
    ["shut = '{[1001,9000)}'", 1_001, "rejected"]
  ] as const)("%s: decides over all only where it makes a difference to one of %i", ([change, ms, status]) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "changeable", identity: "browser" })
      // Not as its new times have it, so that it shows whether it was looked at.
      const other = yield* count(poll, 6_000, "tea", { voter: "B".repeat(22) })
      const one = vote(poll, ms)
      yield* whileCounting(one, sql.unsafe(`update poll set ${change} where slug = $1`, [poll]))
      const { find } = yield* Ledger
      assert.deepStrictEqual(
        yield* Effect.forEach([one.voteId, other], (voteId) => Effect.map(find(voteId), (found) => found?.status)),
        [status, status]
      )
    })
  )

  it.effect("refuses them where it is deleted", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const poll = yield* createPoll()
      const remove = acts.act(poll, "delete", () => Effect.succeed("deleted" as const))
      const { refusals } = yield* whileCounting(vote(poll, 1_000), remove)
      assert.deepStrictEqual(refusals, [{ index: 0, reason: "unknown poll" }])
      assert.deepStrictEqual(yield* fatesOf(poll), [])
    })
  )

  it.effect(
    "counts votes also beside one for a poll in which nothing changes any more, and one of nobody where voters vote",
    () =>
      Effect.gen(function* () {
        const [ledger, sql] = [yield* Ledger, yield* SqlClient.SqlClient]
        const [poll, over] = [yield* createPoll(), yield* createPoll({ ballot: "once", identity: "browser" })]
        yield* sql`update poll set decided = true where slug = ${over}`
        const named = yield* createPoll({ ballot: "once", identity: "browser" })
        const { voter: _, ...nobody } = vote(named, 1_000)
        const { refusals } = yield* ledger.count(VoteColumns.of([vote(poll, 1_000), vote(over, 1_000), nobody]))
        assert.deepStrictEqual(refusals, [
          { index: 1, reason: "from before what the ledger keeps" },
          { index: 2, reason: "the poll needs a voter" }
        ])
        assert.deepStrictEqual(yield* Effect.forEach([poll, over, named], fatesOf), [["counted"], [], []])
      })
  )
})

layer(layerServers(), { excludeTestServices: true })("a voter's votes", (it) => {
  const ballots = [
    ["once", ["counted", hasVoted]],
    ["changeable", ["superseded", "counted"]]
  ] as ReadonlyArray<readonly ["once" | "changeable", Array<string>]>

  it.effect.each(ballots)("of one ms are told apart by their entries' numbers (%s)", ([ballot, fates]) =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const poll = yield* createPoll({ ballot, identity: "browser" })
      yield* count(poll, 1_000, "tea", { seq: 1n })
      yield* count(poll, 1_000, "coffee", { seq: 0n })
      assert.deepStrictEqual(yield* fatesOf(poll), fates)
      yield* acts.close(poll, Effect.succeed(3_000))
      assert.deepStrictEqual(yield* fatesOf(poll), fates)
    })
  )

  it.effect.each(ballots)(
    "are held to the acceptance that an earlier entry has given one of them (%s)",
    ([ballot, fates]) =>
      Effect.gen(function* () {
        const poll = yield* createPoll({ ballot, identity: "browser" })
        const voteId = yield* count(poll, 3_000)
        yield* count(poll, 1_000, "tea", { voteId })
        yield* count(poll, 2_000, "coffee")
        assert.deepStrictEqual(yield* fatesOf(poll), fates)
      })
  )

  it.effect("out of the poll's time make nobody one who has voted", () =>
    Effect.gen(function* () {
      const store = yield* PollStore
      const poll = yield* createPoll({ identity: "browser", closesMs: 1_000 })
      yield* count(poll, 1_000)
      assert.isFalse(yield* store.hasVoted(poll, voter))
      yield* count(poll, 999)
      assert.isTrue(yield* store.hasVoted(poll, voter))
    })
  )

  it.effect.each([false, true])("out of its time need be no choice, also beside a vote that is there (%s)", (beside) =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const poll = yield* createPoll({ opensMs: 1_000, closesMs: 4_000, shut: [[2_000, 3_000]] })
      const first = vote(poll, 1_000)
      if (beside) yield* ledger.count(VoteColumns.of([first]))
      const others = [999, 2_000, 4_000].map((ms) => {
        const { voter: _, ...nobody } = vote(poll, ms, "milk")
        return nobody
      })
      assert.deepStrictEqual((yield* ledger.count(VoteColumns.of([first, ...others]))).refusals, [])
      assert.deepStrictEqual(yield* fatesOf(poll), [notOpen, "counted", wasClosed, wasClosed])
    })
  )
})

layer(layerServers(), { excludeTestServices: true })("a final result that changes", (it) => {
  it.effect("says so where a vote takes the place of another", () =>
    Effect.gen(function* () {
      const [acts, store, ledger] = [yield* PollActs, yield* PollStore, yield* Ledger]
      const poll = yield* createPoll({ ballot: "changeable", identity: "browser" })
      yield* count(poll, 1_000, "tea")
      yield* acts.close(poll, Effect.succeed(3_000))
      assert.isFalse(yield* store.finish(poll, 2_999))
      assert.isTrue(yield* store.finish(poll, 3_000))
      yield* count(poll, 3_000, "coffee")
      assert.isUndefined((yield* ledger.tally(poll))?.changedAfterFinal)
      // As a dead letter that is counted after all.
      yield* count(poll, 2_000, "coffee")
      assert.isDefined((yield* ledger.tally(poll))?.changedAfterFinal)
    })
  )

  it.effect("says the sums that it became final with, too", () =>
    Effect.gen(function* () {
      const [acts, store, ledger] = [yield* PollActs, yield* PollStore, yield* Ledger]
      const poll = yield* createPoll({ rules: { kind: "score", min: 0, max: 5, every: false } })
      yield* count(poll, 1_000, "tea:5")
      yield* acts.close(poll, Effect.succeed(3_000))
      assert.isTrue(yield* store.finish(poll, 3_000))
      // As a dead letter that is counted after all.
      yield* count(poll, 2_000, "tea:3,coffee:1")
      const other = yield* createPoll({ closesMs: 3_000 })
      assert.isTrue(yield* store.finish(other, 3_000))
      const tally = yield* ledger.tally(poll)
      assert.deepStrictEqual(
        tally?.options.map(({ count, option, sum }) => [option, count, sum]),
        [
          ["tea", 2, 8],
          ["coffee", 1, 1]
        ]
      )
      assert.deepStrictEqual(
        tally?.changedAfterFinal?.counts.map(({ count, option, sum }) => [option, count, sum]),
        [
          ["tea", 1, 5],
          ["coffee", 0, 0]
        ]
      )
    })
  )
})
