import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { parseCheckpoint } from "../../src/domain/log/Checkpoint.ts"
import { openNote, parseVkey } from "../../src/domain/log/Note.ts"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LogHeads } from "../../src/ledger/LogHeads.ts"
import { logLock } from "../../src/ledger/LogQueue.ts"
import { LogStore } from "../../src/ledger/LogStore.ts"
import { bookOriginal } from "../../src/ledger/Original.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { sha256 } from "../../src/log/Hashes.ts"
import { beginLog, originOf } from "../../src/log/Sequencer.ts"
import { signingKey } from "../../src/log/Signers.ts"
import { makeLogGuard, makeSigning } from "../../src/log/Signing.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { checked, expectLogged, layerLogs, readLeaves, sequenceAll } from "../support/logs.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, day, voteAt } from "../support/votes.ts"

const makeKey = () => signingKey(Redacted.make(randomBytes(32).toString("base64")))

const vote = Effect.fnUntraced(function* (poll: string, votes: number) {
  const ledger = yield* Ledger
  yield* ledger.count(VoteColumns.of(Array.from({ length: votes }, () => voteAt(Date.now(), poll, "tea"))))
  yield* sequenceAll
})

/** Returns a log's checkpoint, once one of its keys has signed it. */
const checkpointOf = Effect.fnUntraced(function* (poll: string, number = 1) {
  const store = yield* LogStore
  const note = (yield* store.checkpoint({ poll, number })) ?? assert.fail("no checkpoint")
  const verifiers = (yield* store.vkeys({ poll, number })).map((vkey) => parseVkey(sha256, vkey) ?? assert.fail(vkey))
  const text = (yield* Effect.promise(() => openNote(note, verifiers))) ?? assert.fail("not signed")
  return parseCheckpoint(text) ?? assert.fail(text)
})

/** The tables of the logs as they are now, and a function that brings them back to that. */
const backUp = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of ["log", "log_tile"]) yield* sql.unsafe(`create table ${table}_then as table ${table}`)
  return Effect.gen(function* () {
    for (const table of ["log", "log_tile"]) {
      yield* sql.unsafe(`truncate ${table}`)
      yield* sql.unsafe(`insert into ${table} table ${table}_then`)
      yield* sql.unsafe(`drop table ${table}_then`)
    }
  })
})

layer(Layer.provideMerge(layerLogs, layerServers()), { excludeTestServices: true })("signing", (it) => {
  it.effect("signs heads that have grown, with two keys while one replaces the other", () =>
    Effect.gen(function* () {
      const keys = [makeKey(), makeKey()]
      // The default poll has a log too.
      yield* (yield* Ledger).migrated
      yield* sequenceAll
      yield* yield* makeSigning(keys)
      const poll = yield* createPoll()
      yield* vote(poll, 3)
      // That of the default poll goes back to one key.
      assert.strictEqual((yield* yield* makeSigning(keys.slice(0, 1))).signed, 2)
      const first = yield* checkpointOf(poll)
      assert.deepStrictEqual(
        { ...first, root: first.root.length },
        { origin: originOf("logs.test", poll), size: 4, root: 32 }
      )
      const sign = yield* makeSigning(keys)
      assert.strictEqual((yield* sign).signed, 2)
      assert.deepStrictEqual(yield* checkpointOf(poll), first)
      assert.lengthOf(yield* (yield* LogStore).vkeys({ poll, number: 1 }), 2)
      assert.strictEqual((yield* sign).signed, 0)
      yield* vote(poll, 300)
      assert.strictEqual((yield* sign).signed, 1)
      assert.strictEqual((yield* checkpointOf(poll)).size, 304)
      assert.lengthOf(yield* (yield* LogStore).vkeys({ poll, number: 1 }), 2)
    })
  )

  it.effect("leaves a log alone that another process has signed by other keys meanwhile", () =>
    Effect.gen(function* () {
      const heads = yield* LogHeads
      const poll = yield* createPoll()
      yield* vote(poll, 3)
      yield* yield* makeSigning([makeKey()])
      const [head] = (yield* heads.signedAfter("")).filter((one) => one.poll === poll)
      assert.isFalse(yield* heads.sign({ ...(head ?? assert.fail()), vkeys: ["another"] }, "note", ["mine"]))
      assert.isTrue(yield* heads.sign(head ?? assert.fail(), "note", ["mine"]))
    })
  )

  it.effect("signs no head of a log whose last checkpoint it has not read, as of one that grows meanwhile", () =>
    Effect.gen(function* () {
      const [heads, store] = [yield* LogHeads, yield* LogStore]
      const log = { poll: yield* createPoll(), number: 1 }
      const late = { poll: yield* createPoll(), number: 1 }
      for (const { poll } of [log, late]) yield* vote(poll, 1)
      let asked = 0
      const growing = LogHeads.of({
        ...heads,
        unsigned: Effect.map(heads.unsigned, (all) =>
          asked++ === 0 ? all.filter(({ poll }) => poll !== late.poll) : all
        )
      })
      const sign = yield* Effect.provideService(makeSigning([makeKey()]), LogHeads, growing)
      yield* sign
      assert.isDefined(yield* store.checkpoint(log))
      assert.isUndefined(yield* store.checkpoint(late))
      yield* sign
      assert.isDefined(yield* store.checkpoint(late))
    })
  )

  it.effect(
    "keeps no checkpoint in Redis of fewer leaves than the one that is there, as of a signer that is late",
    () =>
      Effect.gen(function* () {
        const { stream } = yield* StreamSettings
        const [heads, store, guard] = [yield* LogHeads, yield* LogStore, yield* makeLogGuard(stream)]
        const log = { poll: yield* createPoll(), number: 1 }
        const sign = yield* makeSigning([makeKey()])
        yield* vote(log.poll, 1)
        const head = (yield* heads.unsigned).find(({ poll }) => poll === log.poll) ?? assert.fail("it is signed")
        yield* sign
        const former = (yield* store.checkpoint(log)) ?? assert.fail("no checkpoint")
        yield* vote(log.poll, 1)
        yield* sign
        yield* guard.keep(head, former)
        const [kept] = yield* guard.read([log])
        assert.deepStrictEqual([head.size, kept?.checkpoint?.size], [2, 3])
      })
  )

  it.effect("stores no checkpoint of fewer leaves than the one that is there", () =>
    Effect.gen(function* () {
      const heads = yield* LogHeads
      const poll = yield* createPoll()
      yield* vote(poll, 1)
      const [old] = (yield* heads.unsigned).filter((head) => head.poll === poll)
      if (old === undefined) return assert.fail("nothing to sign")
      yield* vote(poll, 1)
      yield* yield* makeSigning([makeKey()])
      assert.isFalse(yield* heads.sign(old, "an old note", []))
      assert.strictEqual((yield* checkpointOf(poll)).size, 3)
    })
  )

  it.effect("signs nothing of a database that was restored, until another log is begun", () =>
    Effect.gen(function* () {
      const heads = yield* LogHeads
      const sign = yield* makeSigning([makeKey()])
      const poll = yield* createPoll()
      yield* vote(poll, 5)
      yield* sign
      const restore = yield* backUp
      yield* vote(poll, 5)
      yield* sign
      const published = yield* checkpointOf(poll)
      yield* restore
      // First fewer leaves than were signed, then more, which are others.
      for (const votes of [2, 300]) {
        yield* vote(poll, votes)
        const { refused, signed } = yield* sign
        assert.deepStrictEqual([refused.map((head) => head.poll), signed], [[poll], 0])
      }
      const guard = yield* makeLogGuard((yield* StreamSettings).stream)
      const [kept] = yield* guard.read([{ poll, number: 1 }])
      if (kept?.note === undefined) return assert.fail("nothing is kept")
      assert.deepStrictEqual(kept.checkpoint?.size, published.size)
      const restart = heads.restart({ poll, number: 1 }, beginLog("logs.test", poll, 2), {
        note: kept.note,
        size: published.size
      })
      // Of two at once, one begins another log.
      const numbers = yield* Effect.all([restart, restart], { concurrency: 2 })
      assert.sameMembers(numbers, [2, undefined])
      yield* sequenceAll
      assert.deepStrictEqual(yield* sign, { signed: 1, refused: [] })
      assert.strictEqual((yield* checkpointOf(poll, 2)).origin, originOf("logs.test", poll, 2))
      const [first = ""] = yield* readLeaves(poll, 2)
      assert.strictEqual(JSON.parse(first).former, kept.note)
      assert.strictEqual((yield* expectLogged(poll, 2)).recounted.ballots, 312)
      // Who watches the old log sees what was last signed of it.
      assert.deepStrictEqual(yield* checkpointOf(poll), published)
      const [old] = yield* heads.list(poll)
      assert.strictEqual(old?.signedSize, published.size)
    })
  )

  it.effect("has in another log all that the one before had, and again in the one after that", () =>
    Effect.gen(function* () {
      const [acts, heads, ledger, store] = [yield* PollActs, yield* LogHeads, yield* Ledger, yield* LogStore]
      const poll = yield* createPoll({ ballot: "changeable", identity: "token", results: "after_close" })
      yield* acts.tellTokens(poll, 3)
      const voteIds: Array<string> = []
      for (const [ms, option, voter] of [
        [1000, "tea", "ann"],
        [1001, "tea", "bob"],
        [1002, "coffee", "ann"]
      ] as const) {
        const one = voteAt(ms, poll, option, voter)
        yield* ledger.count(VoteColumns.of([one]))
        voteIds.push(one.voteId)
      }
      const dead = { ...voteAt(1003, poll, "milk"), reason: "no choice", stream: "votes", deliveries: 1n, fields: [] }
      yield* ledger.bury([{ ...dead, entryId: `${dead.ms}-${dead.seq}` }])
      yield* acts.close(poll, Effect.succeed(1010))
      assert.isTrue(yield* (yield* PollStore).finish(poll, 1010))
      const sign = yield* makeSigning([makeKey()])
      const signed: Array<string | undefined> = []
      for (const number of [1, 2, 3]) {
        yield* sequenceAll
        yield* sign
        const { leaves, recounted } = yield* expectLogged(poll, number)
        assert.strictEqual(recounted.ballots, 2)
        for (const voteId of voteIds) assert.strictEqual((yield* store.find(voteId))?.log.number, number)
        // A vote that can't be counted is there, and not what it says.
        const told = leaves.filter((leaf) => leaf.includes('"s":"dead"')).map((leaf) => Object.keys(JSON.parse(leaf)))
        assert.deepStrictEqual(told, [["v", "id", "s"]])
        assert.include(leaves, '{"v":1,"t":"tokens","made":3}')
        assert.match(leaves.at(-1) ?? "", /"t":"result"/)
        assert.strictEqual(JSON.parse(leaves[0] ?? "").former, signed.at(-1))
        // What was signed of those that were given up stays.
        for (const [index, note] of signed.entries())
          assert.strictEqual(yield* store.checkpoint({ poll, number: index + 1 }), note)
        signed.push(yield* store.checkpoint({ poll, number }))
        // Where it is not known what was signed last, or has been signed since, that is what the ledger has.
        const former = [undefined, { note: "an earlier one", size: leaves.length - 1 }][number - 1]
        const begun = beginLog("logs.test", poll, number + 1)
        assert.strictEqual(yield* heads.restart({ poll, number }, begun, former), number + 1)
      }
    })
  )

  it.effect("leaves what has happened to the poll, and waits to be written, to the log that is given up", () =>
    Effect.gen(function* () {
      const [acts, heads, ledger] = [yield* PollActs, yield* LogHeads, yield* Ledger]
      const poll = yield* createPoll({ results: "after_close" })
      yield* sequenceAll
      yield* ledger.count(VoteColumns.of([voteAt(1000, poll, "tea")]))
      yield* acts.close(poll, Effect.succeed(1010))
      assert.isTrue(yield* (yield* PollStore).finish(poll, 1010))
      // Its votes are hidden by another seed from then on.
      yield* acts.act(poll, "reopen", ({ poll: { closesMs, ...open } }) =>
        Effect.succeed({ poll: { ...open, shut: [[closesMs ?? 0, 1020]] } })
      )
      yield* acts.tellTokens(poll, 3)
      yield* ledger.count(VoteColumns.of([voteAt(1030, poll, "coffee")]))
      yield* heads.restart({ poll, number: 1 }, beginLog("logs.test", poll, 2))
      yield* sequenceAll
      yield* acts.close(poll, Effect.succeed(1040))
      assert.isTrue(yield* (yield* PollStore).finish(poll, 1040))
      yield* sequenceAll
      const { leaves, recounted } = yield* expectLogged(poll, 2)
      assert.strictEqual(recounted.ballots, 2)
      const told = leaves.flatMap((leaf) => /"t":"(\w+)"/.exec(leaf)?.[1] ?? [])
      assert.deepStrictEqual(told, ["poll", "tokens", "poll", "close", "open", "result"])
    })
  )

  it.effect("begins another log once nobody writes into the logs, and nobody decides over votes", () =>
    Effect.gen(function* () {
      const [heads, sql] = [yield* LogHeads, yield* SqlClient.SqlClient]
      const poll = yield* createPoll()
      yield* sequenceAll
      for (const [lock, type, mode, number] of [
        [sql`lock table only vote_event in share mode`, "relation", "RowExclusiveLock", 1],
        [sql`select from poll where slug = ${poll} for update`, "transactionid", "ShareLock", 2],
        [sql`select pg_advisory_xact_lock(${PgTypes.int8(BigInt(logLock))})`, "advisory", "ExclusiveLock", 3]
      ] as const) {
        const release = yield* held(lock)
        const restarting = yield* Effect.forkChild(
          heads.restart({ poll, number }, beginLog("logs.test", poll, number + 1))
        )
        yield* untilWaiting(type, mode)
        yield* release
        yield* Fiber.join(restarting)
      }
      yield* sequenceAll
      // Of a poll that has no votes yet, too.
      assert.isNotEmpty(yield* readLeaves(poll, 4))
    })
  )

  it.effect("is over for the default poll where it takes over votes that are known by their number alone", () =>
    Effect.gen(function* () {
      const heads = yield* LogHeads
      yield* sequenceAll
      assert.lengthOf(yield* heads.list(defaultPoll.slug), 1)
      yield* bookOriginal([{ option: "cats", votes: 5n }], { entries: 5, source: "a test" })
      yield* sequenceAll
      assert.lengthOf(yield* heads.list(defaultPoll.slug), 0)
      assert.notInclude(
        (yield* heads.unsigned).map(({ poll }) => poll),
        defaultPoll.slug
      )
    })
  )

  it.effect("is told from a ledger that was changed by hand, vote by vote", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ledger = yield* Ledger
      for (const results of ["live", "after_close"] as const) {
        const poll = yield* createPoll({ results })
        const votes = Array.from({ length: 4 }, () => voteAt(Date.now(), poll, "tea"))
        yield* ledger.count(VoteColumns.of(votes))
        yield* sequenceAll
        assert.deepStrictEqual(yield* checked(poll), { logged: 4, counted: 4, wrong: [] })
        const [changed, rejected, , removed] = votes.map(({ voteId }) => PgTypes.uuid(voteId))
        yield* sql`update vote_event set choice = 'coffee' where vote_id = ${changed}`
        yield* sql`update vote_event set status = 'rejected' where vote_id = ${rejected}`
        yield* sql`delete from vote_event where vote_id = ${removed}`
        const added = voteAt(Date.now(), poll, "coffee")
        yield* sql`insert into vote_event (vote_id, poll, choice, status, accepted_ms, accepted_seq, cast_at)
          values (${PgTypes.uuid(added.voteId)}, ${poll}, 'coffee', 'counted', 1, 1, now())`
        yield* sql`update tally set count = count + 1 where poll = ${poll} and option = 'coffee'`
        assert.deepStrictEqual(
          (yield* checked(poll)).wrong.toSorted(),
          [
            "1 votes of the log are not in the ledger, which has dropped 0",
            "coffee has 1 votes by the results, and 0 by the log",
            `the vote ${votes[0]?.voteId} is counted for coffee by the ledger, and counted for tea by the log`,
            `the vote ${votes[1]?.voteId} is rejected for tea by the ledger, and counted for tea by the log`,
            `the vote ${added.voteId} is counted for coffee by the ledger, and not there by the log`
          ].toSorted()
        )
      }
    })
  )

  it.effect("has nothing of a vote that was buried before there was its poll", () =>
    Effect.gen(function* () {
      const slug = "made-later"
      const dead = { ...voteAt(1000, slug, "tea"), reason: "no poll", stream: "votes", deliveries: 1n, fields: [] }
      yield* (yield* Ledger).bury([{ ...dead, entryId: `${dead.ms}-${dead.seq}` }])
      const poll = yield* createPoll({ slug })
      yield* vote(poll, 1)
      assert.deepStrictEqual(yield* checked(poll), { logged: 1, counted: 1, wrong: [] })
    })
  )

  it.effect(
    "is told from a log that was changed by hand, in its leaves, its tiles, its head or what is signed of it",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const poll = yield* createPoll()
        const other = yield* createPoll()
        yield* vote(other, 1)
        yield* vote(poll, 590)
        yield* yield* makeSigning([makeKey()])
        yield* vote(poll, 10)
        /** Returns what is wrong with the log while it is changed so. */
        const wrongAfter = Effect.fnUntraced(function* (change: Effect.Effect<unknown, SqlError.SqlError>) {
          const restore = yield* backUp
          yield* change
          const { wrong } = yield* checked(poll)
          yield* restore
          return [...wrong]
        })
        const head = "the leaves do not make the log's head"
        assert.deepStrictEqual(yield* wrongAfter(sql`update log set root = sha256(root) where poll = ${poll}`), [head])
        const flip = sql`
        update log_tile set data = set_byte(data, 0, get_byte(data, 0) # 1) where poll = ${poll} and level = 1`
        assert.deepStrictEqual(yield* wrongAfter(flip), ["tile 1/0 is not what the leaves make"])
        const wrong = yield* wrongAfter(sql`delete from log_tile where poll = ${poll} and level = -1 and place = 1`)
        assert.includeMembers(wrong, ["the leaves from 256 on are not there", head])
        const signed = ["the checkpoint is not of these leaves, or not signed by the log's key"]
        for (const change of [
          sql`update log set checkpoint = null where poll = ${poll}`,
          sql`update log set checkpoint = replace(checkpoint, 'logs.test', 'logs2.test') where poll = ${poll}`,
          sql`update log set vkeys = (select vkeys from log where poll = ${other}) where poll = ${poll}`,
          sql`update log set signed_size = signed_size - 1 where poll = ${poll}`,
          sql`update log set (checkpoint, vkeys) = (select checkpoint, vkeys from log where poll = ${other})
          where poll = ${poll}`
        ]) {
          assert.deepStrictEqual(yield* wrongAfter(change), signed)
        }
        // With what is not in the log yet, there may be more votes than the results have, but not so many.
        yield* (yield* Ledger).count(VoteColumns.of([voteAt(Date.now(), poll, "tea")]))
        const fewer = sql`update poll set ballots = 598 where slug = ${poll}`
        assert.deepStrictEqual(yield* wrongAfter(fewer), ["600 votes count by the log, and 598 by the results"])
      })
  )

  it.effect("finds a vote's leaf by its identity", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const store = yield* LogStore
      const poll = yield* createPoll()
      const votes = Array.from({ length: 700 }, (_, at) => voteAt(Date.now() + at, poll, "coffee"))
      for (let at = 0; at < votes.length; at += 70) {
        yield* ledger.count(VoteColumns.of(votes.slice(at, at + 70)))
        yield* sequenceAll
      }
      const leaves = yield* readLeaves(poll)
      const places = new Set<number>()
      for (const { voteId } of votes.slice(0, 700).filter((_, at) => at % 50 === 0)) {
        const found = (yield* store.find(voteId)) ?? assert.fail("not found")
        places.add(found.index)
        assert.include(leaves[found.index], '"o":"coffee","s":"counted"')
      }
      assert.strictEqual(places.size, 14)
      assert.isUndefined(yield* store.find(voteAt(Date.now(), poll, "tea").voteId))
    })
  )
})

layer(Layer.provideMerge(Layer.merge(layerLogs, Partitions.layer), layerServers()), { excludeTestServices: true })(
  "a log of which the ledger has dropped votes",
  (it) => {
    it.effect("is as it must be", () =>
      Effect.gen(function* () {
        const partitions = yield* Partitions
        const poll = yield* createPoll()
        yield* vote(poll, 3)
        const later = Date.now() + 40 * day
        yield* partitions.extend(later, day)
        yield* partitions.drop(later)
        assert.deepStrictEqual(yield* checked(poll), { logged: 3, counted: 3, wrong: [] })

        // The next one has only what came since; not even that a vote was dropped excuses that it lacks one of these.
        const sql = yield* SqlClient.SqlClient
        const ledger = yield* Ledger
        yield* ledger.count(VoteColumns.of([voteAt(later + day, poll, "tea")]))
        yield* (yield* LogHeads).restart({ poll, number: 1 }, beginLog("logs.test", poll, 2))
        yield* sequenceAll
        assert.deepStrictEqual(yield* checked(poll), { logged: 1, counted: 4, wrong: [] })
        yield* sql`update tally set count = 5 where poll = ${poll} and option = 'tea'`
        yield* sql`update poll set ballots = 5 where slug = ${poll}`
        assert.deepStrictEqual((yield* checked(poll)).wrong, [
          "tea has 5 votes by the results, and 1 by the log",
          "1 votes count by the log, and 5 by the results"
        ])
      })
    )
  }
)
