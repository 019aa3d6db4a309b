import { PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { accept, audit as auditNow } from "../../src/cli/AuditCommand.ts"
import { compareBooks, describeReport } from "../../src/cli/AuditReport.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { latestAcceptance } from "../../src/domain/Vote.ts"
import { makePollLife } from "../../src/http/polls/PollLife.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { readLedger } from "../../src/ledger/LedgerBooks.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { rebuildTallies } from "../../src/ledger/TallyBooks.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { everyShard, usedShards } from "../../src/stream/Shards.ts"
import { readStreams } from "../../src/stream/StreamBooks.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { giveTo } from "../support/giveTo.ts"
import { layerServers } from "../support/servers.ts"
import { cast, createPoll, day, drained, voteAt } from "../support/votes.ts"

const audited = Effect.gen(function* () {
  const { group, shards, stream } = yield* StreamSettings
  const ledger = yield* Ledger
  yield* ledger.migrated
  return yield* auditNow({ consumerGroup: group, streamName: stream, streamShards: shards })
})

const audit = Effect.map(audited, ({ report }) => report)

const append = (votes: number) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(Array.from({ length: votes }), () => stream.append(cast()), { concurrency: 100 })
  )

describe("the audit", () => {
  it.live("accounts for every entry: before it is counted, after, re-sent, and dead", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      assert.deepInclude(yield* audit, { ok: true, appended: 0, pending: 0, missing: 0 })
      yield* append(300)
      assert.deepInclude(yield* audit, { ok: true, appended: 300, pending: 300, missing: 0 })
      const resent = cast()
      yield* stream.append(resent)
      yield* stream.append(resent)
      yield* Effect.promise(() => client.xadd(settings.stream, "*", "no", "vote"))
      yield* Effect.provide(drained, layerPool)
      assert.deepInclude(yield* audit, {
        ok: true,
        appended: 303,
        ledger_rows: { counted: 301, dead: 1 },
        duplicate_entries: 1,
        pending: 0,
        missing: 0
      })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("holds where a poll is deleted whose votes are counted, by a consumer that is gone before it acks them", () =>
    Effect.gen(function* () {
      const [acts, ledger, stream] = [yield* PollActs, yield* Ledger, yield* VoteStream]
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const poll = yield* createPoll({ archived: true })
      const given = yield* giveTo("gone", 3, { poll, choice: "tea" })
      const counting = recordBatch(ledger, client, { ...settings, maxRetries: 1 }, given)
      yield* counting
      const asked = yield* Deferred.make<void>()
      const life = makePollLife({
        acts,
        now: Effect.sync(stream.now),
        closingTime: stream.closingTime,
        shutPoll: stream.shutPoll,
        unshutPoll: stream.unshutPoll,
        countedUpTo: (ms) => Effect.tap(stream.countedUpTo(ms), () => Deferred.succeed(asked, undefined)),
        changed: () => Effect.void
      })
      const deleting = yield* Effect.forkChild(
        Effect.retry(life.remove(poll, poll), { while: ({ _tag }) => _tag === "Unavailable" })
      )
      yield* Effect.race(Deferred.await(asked), Fiber.join(deleting))
      // Another one takes them over.
      yield* counting
      yield* Effect.promise(() => client.xack(settings.stream, settings.group, ...given.ids))
      yield* Fiber.join(deleting)
      assert.deepInclude(yield* audit, { ok: true, appended: 3, dropped: { deleted: 3 }, ledger_rows: {}, pending: 0 })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live.each([{ shards: 1 }, { shards: 4 }])(
    "holds at any moment while votes are appended, counted and trimmed ($shards)",
    ({ shards }) =>
      Effect.gen(function* () {
        const audits = Effect.forEach(Array.from({ length: 15 }), () => audit)
        const reports = yield* Effect.gen(function* () {
          const [all] = yield* Effect.all([audits, append(4_000)], { concurrency: 2 })
          yield* drained
          return [...all, yield* audit]
        }).pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
        for (const report of reports) assert.isTrue(report.ok, JSON.stringify(report))
        assert.strictEqual(reports.at(-1)?.appended, 4_000)
      }).pipe(Effect.provide(layerServers({ shards })))
  )

  it.live("accounts for what is in shards, and for what was appended when there was another number of them", () =>
    Effect.gen(function* () {
      const redis = yield* Redis
      const { stream } = yield* StreamSettings
      const other = everyShard(redis, stream).find((shard) => shard.stream === stream) ?? assert.fail()
      yield* append(200)
      yield* Effect.promise(() => other.client.xadd(other.stream, "*", "no", "vote"))
      yield* Effect.sleep("5 millis")
      assert.deepInclude(yield* audit, { ok: true, appended: 201, pending: 201, missing: 0 })
      yield* drained.pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
      const report = yield* audit
      assert.deepInclude(report, { ok: true, appended: 201, pending: 0, ledger_rows: { counted: 200, dead: 1 } })
      assert.lengthOf(report.streams, 5)

      const sql = yield* SqlClient.SqlClient
      const lost = everyShard(redis, stream)[3] ?? assert.fail()
      const [entry] = yield* Effect.promise(() => lost.client.xrange(lost.stream, "-", "+", "COUNT", 1))
      const [id, fields] = entry ?? assert.fail()
      // Entries of other shards can have the same id.
      yield* sql`delete from vote_event where vote_id = ${String(fields[3])}::uuid`
      assert.deepInclude(yield* audit, { ok: false, missing: 1, missing_entries: [`${id} of ${lost.stream}`] })
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )

  it.live("is not misled by what comes after its cut, nor by a shard whose clock is ahead", () =>
    Effect.gen(function* () {
      const redis = yield* Redis
      const { group, shards, stream } = yield* StreamSettings
      const ledger = yield* Ledger
      yield* ledger.migrated
      const [, ahead] = everyShard(redis, stream)
      const vote = encodeVote(cast())
      yield* append(100)
      yield* Effect.promise(async () => ahead?.client.xadd(ahead.stream, `${Date.now() + 60_000}-0`, ...vote))
      // The next entries of that shard are in the future too.
      yield* Effect.sleep("5 millis")
      const before = yield* readStreams(yield* usedShards(redis, stream, shards), group)
      yield* append(300)
      yield* Effect.provide(drained, layerPool)
      const report = compareBooks(before, yield* readLedger(before.cut, before.unacked))
      assert.deepInclude(report, { ok: true, appended: 100, pending: 0, missing: 0 })
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )

  it.live("names what was acked and is not in the ledger", () =>
    Effect.gen(function* () {
      const [first] = yield* append(20)
      yield* Effect.provide(drained, layerPool)
      const sql = yield* SqlClient.SqlClient
      yield* sql`delete from vote_event where accepted_ms || '-' || accepted_seq = ${String(first)}`
      const report = yield* audit
      assert.deepInclude(report, { ok: false, missing: 1, missing_entries: [String(first)] })
      const told = describeReport(report).split("\n")
      assert.deepStrictEqual(
        told.map((line) => line.split(" ")[0]),
        ["NOT", "DIFFERENCE:", "DIFFERENCE:", "LOST:", ""]
      )
      const all = describeReport(report, true)
      assert.isTrue(all.startsWith(`${told.join("\n")}\nBooks up to entry `))
      assert.match(
        all,
        / {2}entries appended {4}20\n(.*\n)*Poll cats-or-dogs: 20 in the tally, 19 counted in the ledger$/
      )
      assert.strictEqual(
        describeReport({ ...report, ok: true, missing: 0, missing_entries: [], tally_differences: [] }),
        "All is accounted for."
      )
      assert.deepStrictEqual(report.tally_differences, [
        { poll: "cats-or-dogs", name: "all ballots", tally: 20, ledger: 19 },
        { poll: "cats-or-dogs", name: "cats", tally: 20, ledger: 19 }
      ])
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("counts what was deleted unread as lost, and says when Redis was emptied", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const ids = yield* append(20)
      yield* Effect.promise(() => client.xdel(settings.stream, ...ids.slice(0, 3)))
      assert.deepInclude(yield* audit, { ok: false, pending: 17, missing: 3 })
      yield* Effect.provide(drained, layerPool)
      assert.deepInclude(yield* audit, { ok: false, pending: 0, missing: 3 })
      yield* Effect.promise(() => client.del(settings.stream))
      yield* append(1)
      assert.deepInclude(yield* audit, { ok: false, appended: 1, pending: 1, missing: -17 })
    }).pipe(Effect.provide(layerServers({ batchSize: 5 })))
  )

  it.live("rebuilds the tallies from the ledger while votes are counted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.gen(function* () {
        yield* append(500)
        yield* drained
        yield* sql`update tally set count = count + 7`
        assert.strictEqual((yield* audit).tally_differences.length, 2)
        const [changed] = yield* Effect.all([rebuildTallies, append(1_500)], { concurrency: 2 })
        assert.strictEqual(changed, 2)
        yield* drained
      }).pipe(Effect.provide(layerPool))
      assert.deepInclude(yield* audit, { ok: true, appended: 2_000 })
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("the audit of ballots and final results", () => {
  it.live("names what is not as the ledger has it, and puts it right", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ledger = yield* Ledger
      yield* ledger.migrated
      const closesMs = Date.now() - 60_000
      const poll = yield* createPoll({ closesMs, rules: { kind: "score", min: 0, max: 5, every: false } })
      const accepted = closesMs - 1_000
      yield* ledger.count(VoteColumns.of([voteAt(accepted, poll, "tea:5"), voteAt(accepted, poll, "tea:2,coffee:1")]))
      yield* sql`select finish_poll(${poll}, ${PgTypes.int8(BigInt(Date.now()))})`
      const differences = Effect.map(readLedger({ ms: 0n, seq: 0n }, []), (state) => state.differences)
      assert.deepStrictEqual(yield* differences, [])
      const finalNow = sql<{ changed: boolean }>`
        select changed_after_final is not null as changed from poll where slug = ${poll}`

      yield* sql`update poll set ballots = 3 where slug = ${poll}`
      assert.deepStrictEqual(yield* differences, [{ poll, name: "all ballots", tally: 3, ledger: 2 }])
      assert.strictEqual(yield* rebuildTallies, 1)
      assert.deepStrictEqual(yield* differences, [])
      assert.deepStrictEqual(yield* finalNow, [{ changed: true }])

      // As if nothing had been amiss until now.
      yield* sql`update poll set changed_after_final = null where slug = ${poll}`
      yield* sql`update tally set final_count = 7, final_sum = 8 where poll = ${poll} and option = 'tea'`
      assert.deepStrictEqual(yield* differences, [
        { poll, name: "tea (final sum)", tally: 8, ledger: 7 },
        { poll, name: "tea (final)", tally: 7, ledger: 2 }
      ])
      assert.strictEqual(yield* rebuildTallies, 2)
      assert.deepStrictEqual(yield* differences, [])
      assert.deepStrictEqual(yield* finalNow, [{ changed: false }], "what counts has been right all the time")
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("holds the tallies to what the voters' ballots name, and to the rows of votes that count no longer", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "changeable", identity: "token" })
      const now = Date.now()
      yield* ledger.count(VoteColumns.of([voteAt(now, poll, "tea", "ann"), voteAt(now, poll, "tea", "bob")]))
      yield* ledger.count(VoteColumns.of([voteAt(now + 1, poll, "coffee", "ann")]))
      const books = readLedger({ ms: BigInt(now) + 1n, seq: latestAcceptance.seq }, [])
      assert.deepInclude(yield* books, { differences: [], rows: { counted: 2, superseded: 1 }, dropped: {} })
      yield* sql`update displaced set votes = 2 where poll = ${poll}`
      assert.deepStrictEqual((yield* books).differences, [
        { poll, name: "all ballots", tally: 2, ledger: 1 },
        { poll, name: "tea", tally: 1, ledger: 0 }
      ])
      yield* sql`update displaced set votes = 1 where poll = ${poll}`
      yield* sql`update ballot set choice = 'tea' where poll = ${poll}`
      const voters = [
        { poll, name: "ballots that name no vote of their voter", tally: 1, ledger: 0, stays: true as const },
        { poll, name: "coffee (voters)", tally: 1, ledger: 0, stays: true as const },
        { poll, name: "tea (voters)", tally: 1, ledger: 2, stays: true as const }
      ]
      assert.deepStrictEqual((yield* books).differences, voters)
      // No tally is wrong.
      assert.strictEqual(yield* rebuildTallies, 0)
      const report = yield* audit
      assert.match(describeReport(report), /tea \(voters\) has 1 in the tally and 2 in the ledger; --rebuild leaves it/)
      const refused = yield* Effect.flip(Effect.flatMap(audited, (found) => accept(found, { by: "ann", reason: "so" })))
      assert.include(refused.message, "only who changed them can correct")
      assert.deepStrictEqual((yield* books).differences, voters)
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("the audit of the polls' rules", () => {
  it.live("names votes that break them, which no tally tells of, one by one, and nothing else", () =>
    Effect.gen(function* () {
      const [acts, ledger, sql] = [yield* PollActs, yield* Ledger, yield* SqlClient.SqlClient]
      yield* ledger.migrated
      const voters = { identity: "token", closesMs: 9_000 } as const
      const polls = {
        once: yield* createPoll({ ...voters, ballot: "once" }),
        changeable: yield* createPoll({ ...voters, ballot: "changeable" }),
        shut: yield* createPoll({ opensMs: 500, closesMs: 9_000 }),
        decided: yield* createPoll({ ...voters, ballot: "once" })
      }
      for (const poll of Object.values(polls)) {
        const of = (ms: number, option: string, voter: string) => voteAt(ms, poll, option, voter)
        yield* ledger.count(VoteColumns.of([of(1_000, "tea", "ann"), of(1_001, "tea", "bob"), of(400, "tea", "cy")]))
        // The first ones by acceptance come last, and one comes after the end.
        yield* ledger.count(VoteColumns.of([of(1_002, "tea", "ann"), of(999, "tea", "bob"), of(9_000, "tea", "ann")]))
      }
      yield* acts.close(polls.shut, Effect.succeed(3_000))
      yield* sql`update poll set decided = true where slug = ${polls.decided}`
      const books = Effect.map(readLedger({ ms: 10_000n, seq: 0n }, []), ({ differences }) => differences)
      assert.deepStrictEqual(yield* books, [])
      const changed = Effect.fnUntraced(function* (change: Effect.Effect<unknown, SqlError.SqlError>) {
        yield* sql`create table ballot_then as table ballot`
        yield* sql`create table vote_then as table vote_event`
        yield* change
        const found = yield* books
        yield* sql`truncate ballot, vote_event`
        yield* sql`insert into ballot table ballot_then`
        yield* sql`insert into vote_event table vote_then`
        yield* sql`drop table ballot_then, vote_then`
        return found.map(({ ledger: none, name, poll, stays, tally }) => {
          assert.deepStrictEqual([name, none, stays], [name, 0, true])
          const [title = poll] = Object.entries(polls).find(([, slug]) => slug === poll) ?? []
          return `${title}: ${tally} ${name}`
        })
      })
      const former = sql`
        update ballot b set vote_id = v.vote_id, accepted_ms = v.accepted_ms, accepted_seq = v.accepted_seq
        from vote_event v
        where v.poll = b.poll and v.voter = b.voter and v.vote_id <> b.vote_id and v.status = 'counted'`
      assert.deepStrictEqual((yield* changed(former)).toSorted(), [
        "changeable: 1 votes that another one counts in place of",
        "once: 1 votes that another one counts in place of"
      ])
      const another = sql`update vote_event set voter = '' where accepted_ms < 1_002`
      assert.deepStrictEqual((yield* changed(another)).toSorted(), [
        "changeable: 2 ballots that name no vote of their voter",
        "once: 3 ballots that name no vote of their voter"
      ])
      const late = sql`update vote_event set accepted_ms = 3_000 where poll = ${polls.shut} and accepted_ms = 1_001`
      assert.deepStrictEqual(yield* changed(late), ["shut: 1 votes out of its time"])
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("names what counts and is no choice, also where the tallies are made anew from it", () =>
    Effect.gen(function* () {
      const [ledger, sql] = [yield* Ledger, yield* SqlClient.SqlClient]
      yield* ledger.migrated
      const poll = yield* createPoll()
      const votes = ["tea", "tea", "coffee"].map((option) => voteAt(1_000, poll, option))
      yield* ledger.count(VoteColumns.of(votes))
      const [one, two] = votes.map(({ voteId }) => PgTypes.uuid(voteId))
      yield* sql`update vote_event set choice = 'milk' where vote_id = ${one}`
      yield* sql`update vote_event set choice = null, poll = null where vote_id = ${two}`
      yield* rebuildTallies
      const differences = Effect.map(audit, (report) =>
        report.tally_differences.map(({ name, poll }) => `${poll}/${name}`)
      )
      assert.deepStrictEqual(yield* differences, [
        "no poll/all ballots",
        "no poll/nothing",
        "no poll/nothing (no choice)",
        `${poll}/milk (no choice)`
      ])
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("audit accept", () => {
  const ann = { by: "ann@desk", reason: "Redis failed over" }
  const acceptNow = Effect.flatMap(audited, (found) => accept(found, ann))
  const refusal = Effect.map(Effect.flip(acceptNow), ({ message }) => message)

  it.live("books what was lost, with who, when, why and up to where, and tells of it from then on", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      assert.include(yield* Effect.andThen(Effect.exit(audit), refusal), "nothing to accept")
      const ids = yield* append(20)
      yield* Effect.promise(() => client.xdel(settings.stream, ...ids.slice(0, 3)))
      const { up_to } = yield* audit
      yield* acceptNow
      const before = yield* audit
      assert.deepInclude(before, { ok: true, appended: 20, pending: 17, missing: 0 })
      assert.lengthOf(before.accepted, 1)
      assert.deepInclude(before.accepted[0], { ...ann, missing: 3, missing_entries: [], found_entries: [] })
      assert.isAtLeast(Number.parseInt(before.accepted[0]?.up_to ?? "", 10), Number.parseInt(up_to, 10))
      assert.match(describeReport(before), /Accepted: 3 entries missing up to .*by ann@desk at .*Z: Redis failed over/)
      assert.include(yield* refusal, "nothing to accept")
      // What is lost later is a difference again, and is accepted by itself.
      yield* Effect.promise(() => client.xdel(settings.stream, String(ids[10])))
      yield* Effect.provide(drained, layerPool)
      assert.deepInclude(yield* audit, { ok: false, appended: 20, pending: 0, missing: 1 })
      yield* acceptNow
      const after = yield* audit
      assert.isTrue(after.ok)
      assert.deepStrictEqual(
        after.accepted.map(({ missing }) => missing),
        [3, 1]
      )
    }).pipe(Effect.provide(layerServers()))
  )

  it.live.each([{ shards: 1 }, { shards: 4 }])(
    "books what the ledger has more than a Redis that was emptied ($shards)",
    ({ shards }) =>
      Effect.gen(function* () {
        const redis = yield* Redis
        const settings = yield* StreamSettings
        yield* append(20)
        yield* Effect.provide(drained, layerPool)
        for (const { client, stream } of everyShard(redis, settings.stream))
          yield* Effect.promise(() => client.del(stream))
        assert.deepInclude(yield* audit, { ok: false, appended: 0, missing: -20 })
        yield* acceptNow
        assert.match(describeReport(yield* audit), /Accepted: 20 entries too many/)
        yield* append(5)
        assert.isTrue((yield* audit).ok)
        yield* Effect.provide(drained, layerPool)
        assert.deepInclude(yield* audit, { ok: true, appended: 5, ledger_rows: { counted: 25 }, missing: 0 })
      }).pipe(Effect.provide(layerServers({ shards })))
  )

  it.live("says which entries that were accepted as missing are in the ledger after all", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ids = yield* append(20)
      yield* Effect.provide(drained, layerPool)
      const [first, second, third] = ids as [string, string, string]
      const place = (id: string) => sql`accepted_ms || '-' || accepted_seq = ${id}`
      yield* sql`create table restored as select * from vote_event`
      yield* sql`delete from vote_event where ${place(first)} or ${place(second)}`
      assert.include(yield* refusal, "--rebuild")
      yield* Effect.andThen(rebuildTallies, acceptNow)
      assert.deepInclude((yield* audit).accepted[0], { missing: 2, missing_entries: [first, second] })
      // One is counted after all, and another one is lost: the sum is the same.
      yield* sql`insert into vote_event select * from restored where ${place(first)}`
      yield* sql`delete from vote_event where ${place(third)}`
      const report = yield* audit
      assert.deepInclude(report, { ok: false, missing: 1, missing_entries: [third], found_entries: [first] })
      assert.match(describeReport(report), /in the ledger after all: 1 entry\n {2}found: \S+\nLOST: 1 entry/)
      yield* acceptNow
      assert.deepInclude(yield* audit, { ok: true, missing: 0, missing_entries: [], found_entries: [] })
      yield* sql`insert into vote_event select * from restored where ${place(second)} or ${place(third)}`
      yield* rebuildTallies
      assert.deepInclude(yield* audit, { ok: false, missing: 0, found_entries: [second, third] })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("belongs to the stream up to its cut, and is written by one of two at once", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const earlier = yield* audited
      const ids = yield* append(5)
      yield* Effect.promise(() => client.xdel(settings.stream, String(ids[0])))
      const found = yield* audited
      const both = yield* Effect.all([Effect.exit(accept(found, ann)), Effect.exit(accept(found, ann))], {
        concurrency: 2
      })
      assert.lengthOf(both.filter(Exit.isSuccess), 1)
      assert.deepInclude(yield* audit, { ok: true, missing: 0 })
      const before = compareBooks(earlier.stream, yield* readLedger(earlier.stream.cut, []))
      assert.deepInclude(before, { ok: true, appended: 0, accepted: [] })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("stays exact when the ledger's rows are dropped", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const ids = yield* append(10)
      yield* Effect.promise(() => client.xdel(stream, String(ids[0])))
      yield* Effect.provide(drained, layerPool)
      yield* acceptNow
      const partitions = yield* Partitions
      const end = Date.now() + 10 * day
      yield* partitions.extend(end, day)
      assert.isNotEmpty(yield* partitions.drop(end))
      assert.deepInclude(yield* audit, { ok: true, dropped: { counted: 9 }, ledger_rows: {} })
    }).pipe(Effect.provide(Layer.provideMerge(Partitions.layer, layerServers())))
  )
})
