import { createHash } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll, type Poll } from "../../src/domain/Poll.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { someRules } from "../support/choosing.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { uniqueName } from "../support/names.ts"
import { layerServers } from "../support/servers.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"

const make = (overrides: Partial<Poll> = {}): Poll => ({
  slug: uniqueName("poll").replace("_", "-"),
  ...teaOrCoffeePoll,
  ...overrides
})

const voterOf = (name: string) => Buffer.from(name).toString("base64url")

const vote = (poll: Poll, option: string, ms: bigint, voter?: string): AcceptedVote => ({
  voteId: makeVoteId(),
  poll: poll.slug,
  choice: option,
  castAt: 0,
  ms,
  seq: 0n,
  ...(voter === undefined ? {} : { voter: voterOf(voter) })
})

/** A poll in the ledger. */
const created = Effect.fnUntraced(function* (overrides: Partial<Poll> = {}) {
  const store = yield* PollStore
  const acts = yield* PollActs
  const ledger = yield* Ledger
  yield* ledger.migrated
  const poll = make(overrides)
  yield* acts.create(poll, 0)
  return { acts, ledger, poll, store }
})

/** The tally, and what the ledger holds, which have to be the same. */
const countsOf = Effect.fnUntraced(function* ({ slug }: Poll) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ option: string; tally: bigint; ledger: bigint }>`
    select option, count as tally, (select count(*) from vote v
      where v.poll = t.poll and v.choice = t.option and v.status = 'counted') as ledger
    from tally t where poll = ${slug} order by position`
  for (const { ledger, option, tally } of rows) assert.strictEqual(tally, ledger, option)
  return Object.fromEntries(rows.map(({ option, tally }) => [option, Number(tally)]))
})

layer(layerServers(), { excludeTestServices: true })("PollStore", (it) => {
  it.effect("keeps a poll as it was created, its options in their order, the newest first", () =>
    Effect.gen(function* () {
      const options = ["z", "a", "m"].map((id) => ({ id, label: `Option "${id}", 🐈` }))
      const { poll: first, store } = yield* created({ options, description: "Line 1\nline 2", opensMs: 1, closesMs: 2 })
      const { poll: second } = yield* created({ ballot: "once", identity: "token", results: "after_close" })
      const all = yield* store.list
      assert.deepStrictEqual(
        all,
        [second, first, defaultPoll].map((poll) => ({ ...poll, version: 1 }))
      )
    })
  )

  it.effect("lists the same array until a poll has changed, which votes don't", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { ledger, poll, store } = yield* created({ closesMs: 2_000 })
      let listed = yield* store.list
      yield* ledger.count(VoteColumns.of([vote(poll, "tea", 1_000n)]))
      assert.strictEqual(yield* store.list, listed)
      const { slug } = poll
      const changes = [
        sql`update tally set label = 'Green tea' where poll = ${slug} and option = 'tea'`,
        sql`update poll set description = 'Or neither' where slug = ${slug}`,
        sql`update poll set closes_ms = closes_ms + 1 where slug = ${slug}`,
        sql`update poll set final_at = now() where slug = ${slug}`,
        sql`update poll set shut = '{[1,2)}' where slug = ${slug}`,
        sql`update poll set draft = true where slug = ${slug}`,
        Effect.asVoid(created())
      ]
      for (const change of changes) {
        yield* change
        const now = yield* store.list
        assert.notDeepEqual(now, listed)
        assert.strictEqual(yield* store.list, now)
        listed = now
      }
      // It is a draft by now.
      assert.isFalse(listed.some((one) => one.slug === slug))
    })
  )

  it.effect("knows which polls have closed and are not final, those first that closed first", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { poll: later, store } = yield* created({ closesMs: 2_000 })
      const { poll: final } = yield* created({ closesMs: 1_500 })
      const { poll: sooner } = yield* created({ closesMs: 1_000, slug: uniqueName("z").replace("_", "-") })
      yield* sql`update poll set final_at = now() where slug = ${final.slug}`
      const own = [later, final, sooner].map(({ slug }) => slug)
      const closedAt = (ms: number) =>
        Effect.map(store.counting(ms), (polls) => polls.filter(({ slug }) => own.includes(slug)))
      assert.deepStrictEqual(yield* closedAt(2_000.5), [
        { slug: sooner.slug, closesMs: 1_000 },
        { slug: later.slug, closesMs: 2_000 }
      ])
      assert.deepStrictEqual(yield* closedAt(2_000), yield* closedAt(2_000.5))
      assert.lengthOf(yield* closedAt(1_999.9), 1)
    })
  )

  it.effect("keeps the rules of each kind, and a seed for each ranked poll, whose hash it tells", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { acts, store } = yield* created()
      for (const [index, rules] of someRules.entries()) {
        const poll = make({ rules, abstain: index % 2 === 0 })
        const kept = yield* acts.create(poll, 0)
        assert.deepStrictEqual(
          (yield* store.list).find(({ slug }) => slug === poll.slug),
          kept
        )
        const { tieSeedHash, ...rest } = kept
        assert.deepStrictEqual(rest, { ...poll, version: 1 })
        const [row] = yield* sql<{
          seed: Uint8Array | null
        }>`select tie_seed as seed from poll where slug = ${poll.slug}`
        const seed = row?.seed ?? undefined
        assert.strictEqual(seed?.length, rules.kind === "ranked" ? 32 : undefined)
        assert.strictEqual(tieSeedHash, seed && createHash("sha256").update(seed).digest("hex"))
      }
    })
  )

  it.effect("refuses a slug that there is, and keeps nothing of the second poll", () =>
    Effect.gen(function* () {
      const { acts, poll, store } = yield* created()
      const error = yield* Effect.flip(acts.create(make({ slug: poll.slug, options: [{ id: "x", label: "X" }] }), 0))
      assert.strictEqual(error._tag, "PollExists")
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 0, coffee: 0 })
      const twice = make({ options: [...poll.options, ...poll.options] })
      assert.isTrue((yield* Effect.exit(acts.create(twice, 0)))._tag === "Failure")
      assert.notInclude(
        (yield* store.list).map(({ slug }) => slug),
        twice.slug
      )
    })
  )

  it.effect("gives a poll that is made again higher revisions than the former one had, each time", () =>
    Effect.gen(function* () {
      const { acts, ledger, poll } = yield* created()
      let former = -1
      for (const _ of [1, 2, 3]) {
        yield* ledger.count(VoteColumns.of([vote(poll, "tea", 20_000n)]))
        const revision = (yield* ledger.tally(poll.slug))?.revision ?? -1
        assert.isAbove(revision, former)
        former = revision
        yield* acts.act(poll.slug, "delete", () => Effect.succeed("deleted"))
        yield* acts.create(poll, 0)
        assert.isAbove((yield* ledger.tally(poll.slug))?.revision ?? -1, former)
      }
    })
  )

  it.effect("opens a poll later that is made again while the former one is being deleted", () =>
    Effect.gen(function* () {
      const { acts, poll } = yield* created()
      const release = yield* held(acts.act(poll.slug, "delete", () => Effect.succeed("deleted")))
      const made = yield* Effect.forkChild(acts.create(poll, 5_000))
      yield* untilWaiting("transactionid", "ShareLock")
      yield* release
      assert.propertyVal(yield* Fiber.join(made), "opensMs", 5_000)
    })
  )

  it.effect("closes a poll at a time, only ever earlier than it closed before", () =>
    Effect.gen(function* () {
      const { acts, poll, store } = yield* created({ closesMs: 1_000 })
      const closesMs = Effect.map(store.list, (all) => all.find(({ slug }) => slug === poll.slug)?.closesMs)
      const told: Array<number> = []
      const tell = (_poll: Poll, ms: number) =>
        Effect.sync(() => {
          told.push(ms)
          return ms
        })
      assert.isDefined(yield* acts.close(poll.slug, Effect.succeed(2_000), undefined, tell))
      assert.strictEqual(yield* closesMs, 1_000)
      assert.isDefined(yield* acts.close(poll.slug, Effect.succeed(400), 100, tell))
      assert.strictEqual(yield* closesMs, 500)
      // As where the answer to a first try got lost.
      yield* acts.close(poll.slug, Effect.succeed(600), 100, tell)
      assert.deepStrictEqual(told, [500])
      // Who was to be told heard of it late.
      yield* acts.close(poll.slug, Effect.succeed(300), 100, () => Effect.succeed(450))
      assert.strictEqual(yield* closesMs, 450)
      // So late that the poll had closed before.
      yield* acts.close(poll.slug, Effect.succeed(200), 100, () => Effect.succeed(900))
      assert.strictEqual(yield* closesMs, 450)
      assert.isUndefined(yield* acts.close("none", Effect.succeed(500)))
    })
  )

  it.effect("asks when a poll is to close once nothing else holds it up", () =>
    Effect.gen(function* () {
      const { acts, poll } = yield* created()
      const sql = yield* SqlClient.SqlClient
      const release = yield* held(sql`select from poll where slug = ${poll.slug} for update`)
      let now = 1_000
      const closing = yield* Effect.forkChild(
        acts.close(
          poll.slug,
          Effect.sync(() => now)
        )
      )
      yield* untilWaiting("transactionid", "ShareLock")
      now = 2_000
      yield* release
      assert.propertyVal(yield* Fiber.join(closing), "closesMs", 2_000)
    })
  )

  it.effect("takes back what was counted after the closing time, in a poll where each vote counts", () =>
    Effect.gen(function* () {
      const { acts, ledger, poll } = yield* created()
      const [before, at, after] = [vote(poll, "tea", 999n), vote(poll, "tea", 1_000n), vote(poll, "coffee", 1_001n)]
      yield* ledger.count(VoteColumns.of([before, at, after]))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 2, coffee: 1 })
      const earlier = yield* ledger.tally(poll.slug)
      yield* acts.close(poll.slug, Effect.succeed(1_000))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 0 })
      assert.deepInclude(yield* ledger.find(before.voteId), { status: "counted" })
      for (const { voteId } of [at, after]) {
        assert.deepInclude(yield* ledger.find(voteId), { status: "rejected", reason: "the poll was closed" })
      }
      const later = yield* ledger.tally(poll.slug)
      assert.strictEqual(later?.closesMs, 1_000)
      assert.isAbove(later?.revision ?? 0, earlier?.revision ?? 0)
      // What comes late and was accepted before still counts, and what was accepted after never does.
      yield* ledger.count(VoteColumns.of([vote(poll, "coffee", 10n), vote(poll, "coffee", 5_000n)]))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 1 })
    })
  )

  it.effect.each(["closes_ms = 1000", "shut = '{[1000, 2000)}'", "opens_ms = 1000"])(
    "takes back what was being counted when the poll's times were changed (%s)",
    (times) =>
      Effect.gen(function* () {
        const { ledger, poll } = yield* created()
        const sql = yield* SqlClient.SqlClient
        const release = yield* held(sql`update poll set ${sql.literal(times)} where slug = ${poll.slug}`)
        // It reads the poll as it was before, and finds its lock taken.
        const counting = yield* Effect.forkChild(
          ledger.count(VoteColumns.of([vote(poll, "tea", 999n), vote(poll, "tea", 1_000n)]))
        )
        yield* untilWaiting("transactionid", "ShareLock")
        yield* release
        yield* Fiber.join(counting)
        assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 0 })
      })
  )

  it.effect("keeps nothing of what was being counted when the poll was deleted", () =>
    Effect.gen(function* () {
      const { ledger, poll } = yield* created()
      const sql = yield* SqlClient.SqlClient
      const batch = VoteColumns.of([vote(poll, "tea", 999n)])
      const release = yield* held(sql`select delete_poll(${poll.slug})`)
      const counting = yield* Effect.forkChild(Effect.flip(ledger.count(batch)))
      yield* untilWaiting("transactionid", "ShareLock")
      yield* release
      assert.strictEqual((yield* Fiber.join(counting))._tag, "OutOfService")
      assert.deepStrictEqual(yield* sql`select from vote_event where poll = ${poll.slug}`, [])
      const { refusals } = yield* ledger.count(batch)
      assert.deepStrictEqual(refusals, [{ index: 0, reason: "unknown poll" }])
    })
  )

  it.effect(
    "keeps nothing of a poll that was deleted but how many votes it had, without those that were imported",
    () =>
      Effect.gen(function* () {
        const { ledger, poll } = yield* created({
          ballot: "changeable",
          identity: "browser",
          rules: { kind: "score", min: 0, max: 5, every: false }
        })
        const { slug } = poll
        const sql = yield* SqlClient.SqlClient
        for (const ms of [1n, 2n]) yield* ledger.count(VoteColumns.of([vote(poll, "tea:5", ms, "ann")]))
        yield* sql`insert into tabulation (poll, holder, held_until) values (${slug}, ${makeVoteId()}::uuid, now())`
        yield* sql`insert into ledger_archive (poll, choice, status, votes)
        values (${slug}, 'tea:5', 'counted', 30), (${slug}, 'tea:5', 'imported', 400)`
        const tables = yield* sql<{ name: string }>`
        select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_name)
        where c.column_name = 'poll' and t.table_type = 'BASE TABLE' and t.table_schema = 'public'`
        const having = Effect.map(
          Effect.filter(tables, ({ name }) =>
            Effect.map(sql`select from ${sql(name)} where poll = ${slug} limit 1`, (rows) => rows.length > 0)
          ),
          (found) => found.map(({ name }) => name)
        )
        const filled = ["ballot", "choice_tally", "displaced", "ledger_archive", "score_tally", "tabulation", "tally"]
        assert.includeMembers(yield* having, [...filled, "vote_event"])
        yield* sql`select delete_poll(${slug})`
        assert.deepStrictEqual(yield* having, ["admin_event"])
        assert.deepStrictEqual(yield* sql`select votes from ledger_archive where status = 'deleted' and votes > 1`, [
          { votes: 32n }
        ])
      })
  )

  it.effect("takes back a voter's latest vote, and counts the one before it again", () =>
    Effect.gen(function* () {
      const { acts, ledger, poll } = yield* created({ ballot: "changeable", identity: "token" })
      const [first, second] = [vote(poll, "tea", 10n, "ann"), vote(poll, "coffee", 20n, "ann")]
      const only = vote(poll, "coffee", 30n, "bob")
      yield* ledger.count(VoteColumns.of([first, second, only]))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 0, coffee: 2 })
      yield* acts.close(poll.slug, Effect.succeed(15))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 0 })
      assert.deepInclude(yield* ledger.find(first.voteId), { status: "counted" })
      assert.deepInclude(yield* ledger.find(second.voteId), { status: "rejected", reason: "the poll was closed" })
      // The voter's earlier votes are still decided among each other.
      yield* ledger.count(VoteColumns.of([vote(poll, "coffee", 12n, "ann"), vote(poll, "tea", 5n, "bob")]))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 1 })
    })
  )

  it.effect("leaves the first votes of `once` as they are", () =>
    Effect.gen(function* () {
      const { acts, ledger, poll, store } = yield* created({ ballot: "once", identity: "token" })
      const [first, second] = [vote(poll, "tea", 10n, "ann"), vote(poll, "coffee", 20n, "ann")]
      const late = vote(poll, "tea", 1_000n, "cleo")
      const { recorded } = yield* ledger.count(VoteColumns.of([first, second, vote(poll, "coffee", 16n, "bob"), late]))
      assert.sameDeepMembers(
        [...recorded],
        [
          { poll: poll.slug, status: "counted", votes: 3 },
          { poll: poll.slug, status: "rejected", votes: 1 }
        ]
      )
      yield* acts.close(poll.slug, Effect.succeed(15))
      assert.deepStrictEqual(yield* countsOf(poll), { tea: 1, coffee: 0 })
      assert.isTrue(yield* store.hasVoted(poll.slug, voterOf("ann")))
      assert.isFalse(yield* store.hasVoted(poll.slug, voterOf("bob")))
    })
  )

  it.effect("knows who has a vote that counts, in that poll", () =>
    Effect.gen(function* () {
      const { ledger, poll, store } = yield* created({ ballot: "once", identity: "browser" })
      const { poll: other } = yield* created({ ballot: "once", identity: "browser" })
      yield* ledger.count(VoteColumns.of([vote(poll, "tea", 1n, "ann")]))
      assert.isTrue(yield* store.hasVoted(poll.slug, voterOf("ann")))
      assert.isFalse(yield* store.hasVoted(poll.slug, voterOf("bob")))
      assert.isFalse(yield* store.hasVoted(other.slug, voterOf("ann")))
    })
  )
})
