import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { rulesOf } from "../../src/domain/Rules.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { createPoll, tallyOf, voteAt } from "../support/votes.ts"

let clock = 1_700_000_000_000n

/** A vote of the default poll, accepted after all votes made before it. */
const vote = (option: string, overrides: Partial<AcceptedVote> = {}): AcceptedVote => ({
  voteId: makeVoteId(),
  poll: "cats-or-dogs",
  choice: option,
  castAt: 1_700_000_000_000,
  ms: clock++,
  seq: 0n,
  ...overrides
})

const counts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tallies = yield* sql<{ option: string; count: bigint }>`select option, count from tally order by option`
  const ledger = yield* sql<{ option: string; count: bigint }>`
    select choice as option, count(*) as count from vote where status = 'counted' group by choice order by choice`
  const duplicates = yield* sql<{ count: bigint }>`select count(*) as count from duplicate_entry`
  const revision = yield* sql<{ revision: bigint }>`select revision from poll`
  const held = new Map(ledger.map(({ count, option }) => [option, Number(count)]))
  for (const { count, option } of tallies)
    assert.strictEqual(Number(count), held.get(option) ?? 0, `tally of ${option}`)
  return {
    cats: held.get("cats") ?? 0,
    dogs: held.get("dogs") ?? 0,
    duplicates: Number(duplicates[0]?.count),
    revision: Number(revision[0]?.revision)
  }
})

const withLedger = <A, E>(test: (ledger: Ledger["Service"]) => Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    yield* ledger.migrated
    return yield* test(ledger)
  }).pipe(Effect.provide(layerServers()))

/** Waits until so many transactions wait for a lock of another one. */
const expectWaiting = (count: number) =>
  eventually(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`
        select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`
      assert.lengthOf(rows, count)
    })
  )

/** An entry of a vote that was tried too often. */
const deadOf = (vote: AcceptedVote) => ({
  ...vote,
  stream: "votes",
  entryId: "1-1",
  deliveries: 1n,
  fields: [],
  reason: "it was tried too often"
})

describe("Ledger.count", () => {
  it.live("has the polls in one order, so that no two batches wait for each other", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const [open, once] = [
        ["poll-a", "poll-c", "poll-e", "poll-g", "poll-i"],
        ["poll-b", "poll-d", "poll-f"]
      ]
      const slugs = [...open, ...once].sort().reverse()
      for (const slug of slugs)
        yield* createPoll({ slug, ...(once.includes(slug) ? { ballot: "once", identity: "browser" } : {}) })
      const count: Effect.Effect<unknown, unknown> = Effect.suspend(() =>
        ledger.count(VoteColumns.of(slugs.map((slug, at) => voteAt(1_000 + at, slug, "tea", `${Math.random()}`))))
      )
      // As an audit does that makes tallies anew.
      const change: Effect.Effect<unknown, unknown> = sql`
        select change_tallies(array_agg(slug), array_agg('tea'::text), array_agg(0::bigint))
        from poll where slug like 'poll-%'`
      for (const [first, others, batch] of [
        ["poll-a", open.slice(1), count],
        ["poll-b", [...open, ...once.slice(1)].sort(), count],
        ["poll-d", [...open, "poll-f"].sort(), change]
      ] as const) {
        const release = yield* held(sql`select from poll where slug = ${first} for update`)
        const counting = yield* Effect.forkChild(Effect.orDie(batch))
        yield* untilWaiting("transactionid", "ShareLock")
        const free = yield* sql<{ slug: string }>`
          select slug from poll where slug like 'poll-%' order by slug for update skip locked`
        assert.deepStrictEqual(
          free.map(({ slug }) => slug),
          others
        )
        yield* release
        yield* Fiber.join(counting)
      }
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("has each choice's tally right, whether many are new at once, come twice, or have one already", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ids = ["a", "b", "c", "d", "e", "f"]
      const rules = { kind: "ranked", max: 4, method: "irv", seats: 1, tieBreak: "draw" } as const
      const options = ids.map((id) => ({ id, label: id }))
      const [poll, other] = [yield* createPoll({ options, rules }), yield* createPoll({ options, rules })]
      const extend = (rankings: ReadonlyArray<string>) =>
        rankings.flatMap((ranking) => ids.filter((id) => !ranking.includes(id)).map((id) => `${ranking}>${id}`))
      const [threes, fours] = [extend(extend(ids)), extend(extend(extend(ids)))]
      const addOne = (choices: ReadonlyArray<string>) => choices.map((choice) => [choice, 1] as const)
      const expected = new Map<string, number>()
      for (const changes of [
        threes.map((choice, at) => [choice, at + 1] as const),
        // After many new ones, one that has a tally, and one that is taken back.
        [...addOne(fours.slice(0, 110)), [threes[0], 5], [threes[1], -2]],
        [...addOne(fours.slice(110, 220)), [fours[110], 3]],
        [...addOne(fours.slice(220, 330)), [fours[330], 0], [fours[331], null]]
      ] as const) {
        const json = JSON.stringify(changes)
        yield* sql`
          select change_tallies(
            array_agg(${poll}::text), array_agg(c ->> 0 order by place), array_agg((c ->> 1)::bigint order by place)
          ) from json_array_elements(${json}::json) with ordinality as e (c, place)`
        for (const [choice = "", count] of changes) if (count) expected.set(choice, (expected.get(choice) ?? 0) + count)
        const rows = yield* sql<{ choice: string; count: bigint }>`
          select choice, count from choice_tally where poll = ${poll} order by choice`
        assert.deepStrictEqual(
          rows.map(({ choice, count }) => [choice, Number(count)]),
          [...expected].sort()
        )
        const first = (id: string) =>
          [...expected].reduce((sum, [choice, count]) => sum + (choice.startsWith(id) ? count : 0), 0)
        assert.deepStrictEqual(yield* tallyOf(poll), Object.fromEntries(ids.map((id) => [id, first(id)])))
      }
      assert.deepStrictEqual(yield* tallyOf(other), Object.fromEntries(ids.map((id) => [id, 0])))
      // No vote more is still another revision, as of a poll that was edited; nothing at all is none.
      const ledger = yield* Ledger
      const revision = Effect.map(ledger.tally(poll), (tally) => tally?.revision ?? 0)
      const before = yield* revision
      yield* sql`select change_tallies(array[${poll}], array[null::text], array[null::bigint])`
      assert.strictEqual(yield* revision, before)
      yield* sql`select change_tallies(array[${poll}], array[null::text], array[0::bigint])`
      assert.strictEqual(yield* revision, before + 1)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("counts many different choices at once where some are of votes that come too late", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const names = ["a", "b", "c", "d", "e", "f"]
      const options = names.map((id) => ({ id, label: id }))
      const poll = yield* createPoll({ options, rules: rulesOf({ kind: "ranked", options }), closesMs: 2_000 })
      const choices = names.flatMap((a) =>
        names.flatMap((b) => names.map((c) => [...new Set([a, b, c])])).map((ranking) => ranking.join(">"))
      )
      const votes = [...new Set(choices)].map((choice, at) => voteAt(at === 0 ? 2_000 : 1_000, poll, choice))
      assert.isAtLeast(votes.length, 100)
      assert.deepStrictEqual((yield* ledger.count(VoteColumns.of(votes))).refusals, [])
      const tallies = yield* sql`select choice, count from choice_tally where poll = ${poll}`
      assert.lengthOf(tallies, votes.length - 1)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live.each(["once", "changeable"] as const)(
    "counts one vote of each voter where two batches that are under way at once have votes of the same ones (%s)",
    (ballot) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger
        const sql = yield* SqlClient.SqlClient
        const poll = yield* createPoll({ ballot, identity: "browser" })
        const start = Date.now()
        const cast = (voter: string, after: number, choice: string) =>
          voteAt(start + after, poll, choice, `the-voter-${voter}`)
        yield* ledger.count(VoteColumns.of([cast("a", 0, "tea")]))
        // Of one voter, the earlier vote is in the one batch, of another voter in the other.
        const batches = [
          [cast("a", 1, "tea"), cast("b", 1, "tea"), cast("c", 2, "tea")],
          [cast("a", 3, "coffee"), cast("b", 2, "coffee"), cast("c", 1, "coffee")]
        ]
        const [locked, unlock] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        yield* sql`select from poll where slug = ${poll} for update`.pipe(
          Effect.andThen(Deferred.succeed(locked, undefined)),
          Effect.andThen(Deferred.await(unlock)),
          sql.withTransaction,
          Effect.forkChild
        )
        yield* Deferred.await(locked)
        const counting = yield* Effect.forkChild(
          Effect.forEach(batches, (batch) => ledger.count(VoteColumns.of(batch)), { concurrency: 2 })
        )
        yield* expectWaiting(2)
        yield* Deferred.succeed(unlock, undefined)
        const recorded = (yield* Fiber.join(counting)).flatMap((batch) => batch.recorded)
        assert.strictEqual(
          recorded.reduce((sum, { votes }) => sum + votes, 0),
          6
        )

        const rows = yield* sql<{ id: string; voter: string; choice: string; status: string }>`
          select vote_id as id, right(encode(voter, 'escape'), 1) as voter, choice, status
          from vote where poll = ${poll} order by voter, accepted_ms`
        const [counted, other] = ballot === "once" ? [0, "rejected"] : [1, "superseded"]
        const of = (voter: string) => rows.filter((row) => row.voter === voter).map(({ status }) => status)
        for (const voter of ["b", "c"]) {
          assert.deepStrictEqual(of(voter), counted === 0 ? ["counted", other] : [other, "counted"])
        }
        assert.deepStrictEqual(of("a"), counted === 0 ? ["counted", other, other] : [other, other, "counted"])
        assert.deepStrictEqual(yield* tallyOf(poll), counted === 0 ? { tea: 2, coffee: 1 } : { tea: 1, coffee: 2 })
        // What the log has been given last of each.
        const logged = yield* sql<{ id: string; status: string }>`
          select distinct on (v.id) v.id, q.kind as status from log_queue q cross join unnest(q.vote_ids) as v (id)
          order by v.id, q.id desc`
        assert.deepStrictEqual(
          new Map(logged.map(({ id, status }) => [id, status])),
          new Map(rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, status }) => [id, status]))
        )
      }).pipe(Effect.provide(layerServers()))
  )

  it.live("keeps no row of a vote that comes again from whoever decides over its poll's votes anew", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "open" })
      const first = voteAt(Date.now(), poll, "tea")
      const again = { ...first, ms: first.ms + 1n }
      yield* ledger.count(VoteColumns.of([first]))
      const release = yield* held(sql`select from poll where slug = ${poll} for update`)
      const coming = yield* Effect.forkChild(
        Effect.all([ledger.count(VoteColumns.of([again])), ledger.bury([deadOf(again)])], { concurrency: 2 })
      )
      yield* expectWaiting(2)
      const rows = yield* sql`select from vote_event where vote_id = ${first.voteId}::uuid for update nowait`
      assert.lengthOf(rows, 1)
      yield* release
      yield* Fiber.join(coming)
      assert.deepInclude(yield* ledger.find(first.voteId), { status: "counted" })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("and burying lock polls in one order: first those whose voters have ballots, then the open ones", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const open = yield* createPoll({ slug: "a-first-by-name", ballot: "open" })
      const once = yield* createPoll({ slug: "b-second-by-name", ballot: "once", identity: "browser" })
      const votes = [voteAt(Date.now(), open, "tea"), voteAt(Date.now(), once, "tea", "the-voter-a")]
      const again = votes.map((first) => ({ ...first, ms: first.ms + 1n }))
      yield* ledger.count(VoteColumns.of(votes))
      const release = yield* held(sql`select from poll where slug = ${once} for update`)
      const coming = yield* Effect.forkChild(
        Effect.all([ledger.count(VoteColumns.of(again)), ledger.bury(again.map(deadOf))], { concurrency: 2 })
      )
      yield* expectWaiting(2)
      assert.lengthOf(yield* sql`select from poll where slug = ${open} for update nowait`, 1)
      yield* release
      yield* Fiber.join(coming)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("counts a batch, and each vote once however often it is given", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const batch = [vote("cats"), vote("dogs"), vote("cats")]
        const recorded = [{ poll: "cats-or-dogs", status: "counted" as const, votes: 3 }]
        assert.deepStrictEqual(yield* ledger.count(VoteColumns.of(batch)), { recorded, refusals: [] })
        assert.deepStrictEqual(yield* ledger.count(VoteColumns.of(batch)), { recorded: [], refusals: [] })
        assert.deepStrictEqual(yield* ledger.count(VoteColumns.of(batch.slice(1))), { recorded: [], refusals: [] })
        assert.deepStrictEqual(yield* counts, { cats: 2, dogs: 1, duplicates: 0, revision: 1 })
      })
    )
  )

  it.live("counts a vote once that came under several entries, from the earliest of them", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const first = vote("cats", { ms: 5n, seq: 1n })
        const later = { ...first, ms: 7n, seq: 0n }
        const earlier = { ...first, ms: 5n, seq: 0n }
        yield* ledger.count(VoteColumns.of([later, first]))
        yield* ledger.count(VoteColumns.of([vote("dogs"), later, earlier]))
        yield* ledger.count(VoteColumns.of([later]))
        assert.deepStrictEqual(yield* counts, { cats: 1, dogs: 1, duplicates: 2, revision: 2 })
        const [row] = yield* sql<{ ms: bigint; seq: bigint }>`
          select accepted_ms as ms, accepted_seq as seq from vote_event where vote_id = ${first.voteId}::uuid`
        assert.deepStrictEqual(row, { ms: 5n, seq: 0n })
      })
    )
  )

  it.live("counts a vote by the entry that can be counted, beside one that is counted already", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const before = vote("dogs")
        yield* ledger.count(VoteColumns.of([before]))
        const countable = vote("cats", { ms: 5n, seq: 1n })
        const { refusals } = yield* ledger.count(
          VoteColumns.of([{ ...countable, choice: "birds", seq: 0n }, before, countable])
        )
        assert.deepStrictEqual(refusals, [])
        assert.deepStrictEqual(yield* counts, { cats: 1, dogs: 1, duplicates: 1, revision: 2 })
      })
    )
  )

  it.live("names the votes that it refuses and counts the rest", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const { recorded, refusals } = yield* ledger.count(
          VoteColumns.of([vote("cats"), vote("birds"), vote("dogs"), vote("cats", { poll: "nowhere" })])
        )
        assert.deepStrictEqual(recorded, [{ poll: "cats-or-dogs", status: "counted", votes: 2 }])
        assert.deepStrictEqual(refusals, [
          { index: 1, reason: "unknown option" },
          { index: 3, reason: "unknown poll" }
        ])
        assert.deepStrictEqual(yield* counts, { cats: 1, dogs: 1, duplicates: 0, revision: 1 })
      })
    )
  )

  it.live("gives the same tallies for the same votes in overlapping batches at once", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const votes = Array.from({ length: 600 }, (_, index) => vote(index % 3 === 0 ? "cats" : "dogs"))
        const batches = Array.from({ length: 12 }, (_, index) => {
          const batch = votes.slice(index * 50, index * 50 + 150)
          return index % 2 === 0 ? batch : batch.toReversed()
        })
        yield* Effect.forEach(batches, (batch) => ledger.count(VoteColumns.of(batch)), { concurrency: "unbounded" })
        const { cats, dogs, duplicates } = yield* counts
        assert.deepStrictEqual({ cats, dogs, duplicates }, { cats: 200, dogs: 400, duplicates: 0 })
      })
    )
  )

  it.live("refuses a batch whole that holds what the database can't", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const bad = vote("cats\u0000")
        const error = yield* Effect.flip(ledger.count(VoteColumns.of([vote("cats"), bad])))
        assert.strictEqual(error._tag, "BatchRefused")
        assert.strictEqual((yield* counts).cats, 0)
      })
    )
  )
})

describe("Ledger.bury", () => {
  const entry = {
    poll: "cats-or-dogs",
    choice: null,
    reason: "undecodable",
    stream: "votes",
    entryId: "9-1",
    deliveries: 2n,
    ms: 9n,
    seq: 1n,
    fields: [Buffer.from("option"), Buffer.from([0xff, 0x00])]
  }

  it.live("keeps the entry's fields as bytes, once", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const dead = { ...entry, voteId: makeVoteId() }
        const buried = yield* Effect.all([ledger.bury([dead]), ledger.bury([dead])], { concurrency: 2 })
        assert.deepStrictEqual(buried.flat(), [dead])
        const rows = yield* sql<{ status: string; fields: ReadonlyArray<Uint8Array>; deliveries: bigint }>`
          select v.status, d.fields, d.deliveries from vote_event v join dead_letter d using (vote_id)`
        assert.deepStrictEqual(
          rows.map((row) => ({ ...row, fields: row.fields.map((field) => Buffer.from(field)) })),
          [{ status: "dead", fields: entry.fields, deliveries: 2n }]
        )
        assert.strictEqual((yield* counts).duplicates, 0)
      })
    )
  )

  it.live("can't bury a vote that is counted, and does not count one that is buried", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        const counted = vote("cats")
        yield* ledger.count(VoteColumns.of([counted]))
        assert.deepStrictEqual(yield* ledger.bury([{ ...entry, voteId: counted.voteId }]), [])
        const dead = vote("dogs")
        const letter = { ...entry, ...dead }
        assert.deepStrictEqual(yield* ledger.bury([{ ...entry, voteId: counted.voteId, seq: 2n }, letter]), [letter])
        assert.deepStrictEqual(yield* ledger.count(VoteColumns.of([dead])), { recorded: [], refusals: [] })
        assert.deepStrictEqual(yield* counts, { cats: 1, dogs: 0, duplicates: 2, revision: 1 })
      })
    )
  )
})

describe("Ledger.tally", () => {
  it.live("reads the poll's options in its order, and knows no other poll", () =>
    withLedger((ledger) =>
      Effect.gen(function* () {
        yield* ledger.count(VoteColumns.of([vote("dogs")]))
        const tally = yield* ledger.tally("cats-or-dogs")
        assert.deepStrictEqual(tally?.options, [
          { option: "cats", count: 0 },
          { option: "dogs", count: 1 }
        ])
        assert.isTrue(tally?.lastUpdated instanceof Date)
        assert.strictEqual(yield* ledger.tally("nowhere"), undefined)
      })
    )
  )
})
