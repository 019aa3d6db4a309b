import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { batchOf } from "../../src/consumer/EntryBatch.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { latestAcceptance } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { readLedger } from "../../src/ledger/LedgerBooks.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { rebuildTallies } from "../../src/ledger/TallyBooks.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import type { Connection } from "../../src/stream/Redis.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, day, tallyOf, voteAt } from "../support/votes.ts"

const layer = Layer.provideMerge(Layer.mergeAll(Partitions.layer, DeadLetters.layer), layerServers())

const now = Date.now()
/** When all that was voted until now is older than what the ledger keeps. */
const later = now + 10 * day

const ready = Effect.gen(function* () {
  const ledger = yield* Ledger
  yield* ledger.migrated
  const partitions = yield* Partitions
  yield* partitions.extend(later, day)
  return { ledger, partitions, dropOld: partitions.drop(later - day), sql: yield* SqlClient.SqlClient }
})

/** Buries a vote as the pool does with one that the ledger has refused. */
const bury = (vote: AcceptedVote) =>
  Effect.flatMap(Ledger, (ledger) => {
    const entryId = `${vote.ms}-${vote.seq}`
    const letter = { ...vote, reason: "refused", stream: "votes", entryId, deliveries: 1n, fields: [] }
    return Effect.map(ledger.bury([letter]), (buried) => buried.length === 1)
  })

/** The books: ledger rows, dropped ones, duplicates; asserts that each tally is what the votes make. */
const books = Effect.gen(function* () {
  const { differences, dropped, duplicates, rows } = yield* readLedger(latestAcceptance, [])
  assert.deepStrictEqual(differences, [])
  return { rows, dropped, duplicates }
})

describe("a ledger that drops old votes", () => {
  it.live("keeps the tallies and the books, and does not count again what it no longer knows", () =>
    Effect.gen(function* () {
      const { dropOld, ledger, sql } = yield* ready
      const old = ["cats", "cats", "dogs"].map((option) => voteAt(now, defaultPoll.slug, option))
      const again = { ...(old[0] as AcceptedVote), ms: BigInt(now) + 5n }
      const dead = voteAt(now, defaultPoll.slug, "birds")
      yield* ledger.count(VoteColumns.of([...old, again]))
      yield* bury(dead)
      const recent = voteAt(later, defaultPoll.slug, "dogs")
      yield* ledger.count(VoteColumns.of([recent]))
      const dropped = yield* dropOld
      assert.deepStrictEqual(
        dropped.filter(({ rows }) => rows > 0),
        [{ name: "vote_event_first", rows: 4 }]
      )
      assert.deepStrictEqual(yield* dropOld, [])
      assert.deepStrictEqual(yield* tallyOf(defaultPoll.slug), { cats: 2, dogs: 2 })
      const kept = { rows: { counted: 1 }, dropped: { counted: 3, dead: 1, duplicate: 1 }, duplicates: 0 }
      assert.deepStrictEqual(yield* books, kept)
      assert.strictEqual(yield* rebuildTallies, 0)
      assert.strictEqual(yield* ledger.find(again.voteId), undefined)
      assert.isFalse(yield* ledger.keeps(again.voteId))
      assert.isTrue(yield* ledger.keeps(recent.voteId))
      assert.deepStrictEqual(yield* (yield* DeadLetters).list({}), [])

      const { refusals } = yield* ledger.count(VoteColumns.of([recent, again, voteAt(later, defaultPoll.slug, "cats")]))
      assert.deepStrictEqual(refusals, [{ index: 1, reason: "from before what the ledger keeps" }])
      assert.isTrue(yield* bury(again))
      assert.isFalse(yield* bury(again))
      assert.deepStrictEqual(yield* tallyOf(defaultPoll.slug), { cats: 3, dogs: 2 })
      assert.deepStrictEqual(yield* books, { ...kept, rows: { counted: 2, dead: 1 } })
      assert.deepInclude(yield* ledger.find(again.voteId), { status: "dead", reason: "refused" })
      // Below the horizon a row keeps the acceptance that it has, also where an earlier entry comes.
      assert.isFalse(yield* bury({ ...again, ms: BigInt(now) - 1n }))
      const [row] = yield* sql<{ ms: bigint }>`
        select accepted_ms as ms from vote_event where vote_id = ${again.voteId}::uuid`
      assert.strictEqual(row?.ms, again.ms)
      assert.strictEqual((yield* books).duplicates, 1)

      // Dead votes that came too late go by the time at which they came.
      const recentAgain = { ...recent, ms: recent.ms + 1n }
      yield* ledger.count(VoteColumns.of([recentAgain]))
      const letters = Effect.map(sql`select from dead_letter`, (all) => all.length)
      yield* sql`select sweep_ledger(${BigInt(now - day)}::bigint)`
      assert.deepStrictEqual([(yield* books).rows.dead, yield* letters], [1, 1])
      yield* sql`update vote_event_other set recorded_at = now() - interval '1 day'`
      yield* sql`select sweep_ledger(${BigInt(now)}::bigint)`
      assert.deepStrictEqual(yield* books, {
        rows: { counted: 2 },
        dropped: { ...kept.dropped, dead: 2, duplicate: 2 },
        duplicates: 1
      })
      assert.strictEqual(yield* letters, 0)
    }).pipe(Effect.provide(layer))
  )

  it.live("drops what was never a vote, whatever its entry says of a poll and a choice", () =>
    Effect.gen(function* () {
      const { dropOld, ledger } = yield* ready
      const client = { xrangeBuffer: async () => [], xpending: async () => [] } as unknown as Connection
      const text = String.fromCodePoint(...Array.from({ length: 2_000 }, (_, at) => 0x4e00 + ((at * 7_919) % 20_000)))
      const fields = ["v", "1", "vote_id", voteAt(now, "", "").voteId, "poll", text, "option", text]
      const options = { stream: "votes", group: "group", maxRetries: 1 }
      const { dead } = yield* recordBatch(ledger, client, options, batchOf([{ id: `${now}-0`, fields }]))
      assert.strictEqual(dead, 1)
      const dropped = yield* dropOld
      assert.deepInclude(dropped, { name: "vote_event_first", rows: 1 })
    }).pipe(Effect.provide(layer))
  )

  it.live("knows of each voter what counts, and changes it where it may be changed", () =>
    Effect.gen(function* () {
      const { dropOld, ledger } = yield* ready
      const store = yield* PollStore
      const acts = yield* PollActs
      const open = yield* createPoll()
      const once = yield* createPoll({ ballot: "once", identity: "token" })
      const changeable = yield* createPoll({ ballot: "changeable", identity: "token" })
      yield* ledger.count(
        VoteColumns.of([
          voteAt(now, open, "tea"),
          voteAt(now, once, "tea", "ann"),
          voteAt(now, changeable, "tea", "ann"),
          voteAt(now, changeable, "tea", "bob"),
          voteAt(now, changeable, "coffee", "bob")
        ])
      )
      yield* dropOld
      assert.isTrue(yield* store.hasVoted(once, Buffer.from("ann").toString("base64url")))
      const [second, changed] = [voteAt(later, once, "coffee", "ann"), voteAt(later, changeable, "coffee", "ann")]
      yield* ledger.count(
        VoteColumns.of([second, changed, voteAt(later, once, "coffee", "bob"), voteAt(later, open, "coffee")])
      )
      assert.deepInclude(yield* ledger.find(second.voteId), { status: "rejected", reason: "the voter has voted" })
      assert.deepInclude(yield* ledger.find(changed.voteId), { status: "counted" })
      const tallies = { open: { tea: 1, coffee: 1 }, once: { tea: 1, coffee: 1 }, changeable: { tea: 0, coffee: 2 } }
      const all = Effect.all({ open: tallyOf(open), once: tallyOf(once), changeable: tallyOf(changeable) })
      assert.deepStrictEqual(yield* all, tallies)
      yield* books

      // Closing decides anew over what is there, and leaves what is not.
      for (const poll of [open, once, changeable]) yield* acts.close(poll, Effect.succeed(later + 1))
      assert.deepStrictEqual(yield* all, tallies)
      assert.strictEqual(yield* rebuildTallies, 0)
      // Ann's vote for tea was dropped while it counted.
      assert.deepStrictEqual(yield* books, {
        rows: { counted: 3, rejected: 1 },
        dropped: { counted: 3, superseded: 2 },
        duplicates: 0
      })
    }).pipe(Effect.provide(layer))
  )

  it.live(
    "keeps the letters of votes that it keeps, and takes back a vote that it dropped where it counts for a voter",
    () =>
      Effect.gen(function* () {
        const { dropOld, ledger } = yield* ready
        const acts = yield* PollActs
        const polls = yield* Effect.forEach(["open", "once"] as const, (ballot) =>
          createPoll({ ballot, identity: "browser" })
        )
        yield* ledger.count(VoteColumns.of(polls.map((poll) => voteAt(now, poll, "tea", "ann"))))
        yield* bury(voteAt(later, defaultPoll.slug, "birds"))
        yield* dropOld
        assert.lengthOf(yield* (yield* DeadLetters).list({}), 1)
        for (const poll of polls) yield* acts.close(poll, Effect.succeed(now))
        assert.deepStrictEqual(yield* Effect.forEach(polls, tallyOf), [
          { tea: 1, coffee: 0 },
          { tea: 0, coffee: 0 }
        ])
        assert.deepStrictEqual(yield* books, { rows: { dead: 1 }, dropped: { counted: 1, rejected: 1 }, duplicates: 0 })
      }).pipe(Effect.provide(layer))
  )

  it.live("drops the ballots of polls that had closed, whose results are final then", () =>
    Effect.gen(function* () {
      const { dropOld, ledger, sql } = yield* ready
      const poll = yield* createPoll({ ballot: "changeable", identity: "token", closesMs: now + 1_000 })
      const times = { identity: "browser", closesMs: now + 1_000 } as const
      const [closed, open] = [yield* createPoll(times), yield* createPoll({ ...times, closesMs: later + day })]
      yield* ledger.count(VoteColumns.of([poll, closed, open].map((each) => voteAt(now, each, "tea", "ann"))))
      yield* dropOld
      assert.deepStrictEqual(yield* sql`select poll from ballot`, [{ poll: open }])
      // Accepted in time by its entry, minted by a clock that is ahead, and only now here.
      const stray = { ...voteAt(later, poll, "coffee", "ann"), ms: BigInt(now) + 1n }
      const late = voteAt(later, poll, "coffee", "ann")
      const { refusals } = yield* ledger.count(VoteColumns.of([stray, late]))
      assert.deepStrictEqual(refusals, [{ index: 0, reason: "from before what the ledger keeps" }])
      // Nor does the last one where an earlier entry of it turns out to be of the poll's time.
      yield* ledger.count(VoteColumns.of([{ ...late, ms: BigInt(now) + 2n }]))
      assert.deepInclude(yield* ledger.find(late.voteId), { status: "rejected", reason: "the poll was closed" })
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 1, coffee: 0 })
      yield* books
    }).pipe(Effect.provide(layer))
  )

  it.live("removes what is left as counting has it: what it removes waits until it has the polls", () =>
    Effect.gen(function* () {
      const { dropOld, ledger, sql } = yield* ready
      const poll = yield* createPoll({ ballot: "changeable", identity: "token", closesMs: now + 1_000 })
      const first = voteAt(now, poll, "tea", "ann")
      yield* ledger.count(VoteColumns.of([first, { ...first, ms: first.ms + 1n }]))
      yield* sql`select name from close_partitions(${BigInt(later - day)}::bigint)`
      const release = yield* held(sql`select from poll where slug = ${poll} for update`)
      const sweeping = yield* Effect.forkChild(dropOld)
      yield* untilWaiting("transactionid", "ShareLock")
      assert.lengthOf(yield* sql`select from duplicate_entry for update nowait`, 1)
      yield* release
      yield* Fiber.join(sweeping)
      assert.deepStrictEqual(yield* sql`select from duplicate_entry`, [])
    }).pipe(Effect.provide(layer))
  )

  it.live("waits for votes that are being counted, and has those that come later wait", () =>
    Effect.gen(function* () {
      const { dropOld, ledger, sql } = yield* ready
      // A poll's tallies change under its lock: the first vote is in the ledger by then, and not yet committed.
      const release = yield* held(sql`select 1 from poll for update`)
      const count = () => Effect.forkChild(ledger.count(VoteColumns.of([voteAt(now, defaultPoll.slug, "cats")])))
      const first = yield* count()
      yield* untilWaiting("transactionid", "ShareLock")
      const dropping = yield* Effect.forkChild(dropOld)
      yield* untilWaiting("relation", "ShareLock")
      const second = yield* count()
      yield* untilWaiting("relation", "RowExclusiveLock")
      yield* release
      assert.deepStrictEqual((yield* Fiber.join(first)).refusals, [])
      const { refusals } = yield* Fiber.join(second)
      assert.deepStrictEqual(refusals, [{ index: 0, reason: "from before what the ledger keeps" }])
      yield* Fiber.join(dropping)
      assert.deepStrictEqual(yield* books, { rows: {}, dropped: { counted: 1 }, duplicates: 0 })
    }).pipe(Effect.provide(layer))
  )

  it.live("begins anew where a vote is buried in what it is about to drop", () =>
    Effect.gen(function* () {
      const { dropOld, ledger, sql } = yield* ready
      yield* ledger.count(VoteColumns.of([voteAt(now, defaultPoll.slug, "cats")]))
      yield* sql`select name from close_partitions(${BigInt(later - day)}::bigint)`
      const release = yield* held(bury(voteAt(now, defaultPoll.slug, "birds")))
      const dropping = yield* Effect.forkChild(Effect.exit(dropOld))
      yield* untilWaiting("relation", "AccessExclusiveLock")
      yield* release
      assert.strictEqual((yield* Fiber.join(dropping))._tag, "Failure")
      assert.deepStrictEqual(yield* books, { rows: { counted: 1, dead: 1 }, dropped: {}, duplicates: 0 })
      assert.deepInclude(yield* dropOld, { name: "vote_event_first", rows: 2 })
      assert.deepStrictEqual(yield* books, { rows: {}, dropped: { counted: 1, dead: 1 }, duplicates: 0 })
    }).pipe(Effect.provide(layer))
  )
})
