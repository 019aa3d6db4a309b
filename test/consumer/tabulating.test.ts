import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { makeTabulating } from "../../src/consumer/Tabulating.ts"
import { makeTabulationThread } from "../../src/consumer/TabulationThread.ts"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { drawOrder } from "../../src/domain/tabulation/Ties.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Tabulations } from "../../src/ledger/Tabulations.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { addBallots, type Ballots, rankedPoll } from "../support/ranked.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { voteAt } from "../support/votes.ts"

/** A real election, with what is known of how it ended. */
interface Election<Known> {
  readonly options: ReadonlyArray<{ readonly id: string }>
  readonly ballots: Ballots
  readonly known: Known
}

const election = <Known>(name: string): Election<Known> =>
  JSON.parse(readFileSync(new URL(`../data/elections/${name}.json`, import.meta.url), "utf8"))

const layerTest = Tabulations.layer.pipe(Layer.provideMerge(layerServers()))

const run = <A, E>(
  effect: Effect.Effect<A, E, Layer.Success<typeof layerTest> | import("effect").Scope.Scope>
): Effect.Effect<A, E | Layer.Error<typeof layerTest>> => Effect.scoped(Effect.provide(effect, layerTest))

const tallyOf = Effect.fnUntraced(function* (poll: string) {
  const tally = yield* (yield* Ledger).tally(poll)
  return tally ?? assert.fail("no such poll")
})

/** The poll's tabulation, which has to be of its present tally. */
const presentOf = Effect.fnUntraced(function* (poll: string) {
  const { revision, tabulation } = yield* tallyOf(poll)
  assert.strictEqual(tabulation?.revision, revision)
  return tabulation?.tabulation ?? assert.fail("not tabulated")
})

const abc = { options: ["a", "b", "c"], method: "irv" } as const
const few: Ballots = [
  [4, ["a"]],
  [3, ["b"]],
  [2, ["c", "b"]]
]

/** Lets a poll be tabulated again at once. */
const makeDue = (poll: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`update tabulation set due_at = '-infinity', held_until = '-infinity' where poll = ${poll}`
  )

type Votes = Readonly<Record<string, number>>

interface Burlington {
  readonly irv: string
  readonly irv_last_round: Votes
  readonly irv_round_of_four: Votes
  readonly condorcet: string
  readonly most_first_places: string
}

describe("tabulating", () => {
  it.live("gives Burlington's election of 2009 another winner by each method", () =>
    run(
      Effect.gen(function* () {
        const { ballots, known, options } = election<Burlington>("burlington-2009")
        const ids = options.map(({ id }) => id)
        const irv = yield* rankedPoll({ options: ids, method: "irv", ballots })
        const condorcet = yield* rankedPoll({ options: ids, method: "condorcet", ballots })
        const tabulate = yield* makeTabulating
        assert.sameMembers([yield* tabulate, yield* tabulate], [irv, condorcet])
        assert.isUndefined(yield* tabulate)
        const { rounds, winners } = yield* presentOf(irv)
        assert.deepStrictEqual(winners, [known.irv])
        const votesIn = rounds.map(({ votes }) => Object.fromEntries(votes.map(({ option, votes }) => [option, votes])))
        assert.deepStrictEqual(votesIn.at(-1), known.irv_last_round)
        assert.deepStrictEqual(
          votesIn.find((votes) => Object.keys(votes).length === 4),
          known.irv_round_of_four
        )
        assert.deepStrictEqual((yield* presentOf(condorcet)).winners, [known.condorcet])
        const { options: counts } = yield* tallyOf(irv)
        assert.strictEqual([...counts].sort((a, b) => b.count - a.count)[0]?.option, known.most_first_places)
      })
    )
  )

  it.live("elects whom Minneapolis elected in 2013 to three seats", () =>
    run(
      Effect.gen(function* () {
        const { ballots, known, options } = election<{ readonly stv: ReadonlyArray<string> }>("minneapolis-park-2013")
        const poll = yield* rankedPoll({ options: options.map(({ id }) => id), method: "stv", seats: 3, ballots })
        assert.strictEqual(yield* yield* makeTabulating, poll)
        const { elected, winners } = yield* presentOf(poll)
        assert.sameMembers([...elected], [...known.stv])
        assert.deepStrictEqual(winners, elected)
      })
    )
  )

  it.live("makes one tabulation of a poll, whoever of two consumers does it", () =>
    run(
      Effect.gen(function* () {
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const [one, other] = [yield* makeTabulating, yield* makeTabulating]
        const made = yield* Effect.all([one, other, one, other], { concurrency: "unbounded" })
        assert.deepStrictEqual(
          made.filter((name) => name !== undefined),
          [poll]
        )
        const { elected, rounds } = yield* presentOf(poll)
        assert.deepStrictEqual(elected, ["b"])
        assert.deepStrictEqual(
          rounds.map(({ eliminated }) => eliminated),
          ["c", undefined]
        )
      })
    )
  )

  it.live("makes it again once the votes have changed, but not at once, and at once where the poll is final", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const tabulate = yield* makeTabulating
        assert.strictEqual(yield* tabulate, poll)
        const first = yield* tallyOf(poll)
        yield* addBallots(poll, [[9, ["c"]]])
        // Votes go on meanwhile; the results say which of them the tabulation is of.
        yield* sql`update tabulation set due_at = clock_timestamp() + interval '1 hour' where poll = ${poll}`
        assert.isUndefined(yield* tabulate)
        const between = yield* tallyOf(poll)
        assert.strictEqual(between.tabulation?.revision, first.revision)
        assert.isAbove(between.revision, first.revision)
        yield* sql`update poll set closes_ms = 1, final_at = now(), revision = revision + 1 where slug = ${poll}`
        assert.strictEqual(yield* tabulate, poll)
        assert.deepStrictEqual((yield* presentOf(poll)).elected, ["c"])
        assert.isUndefined(yield* tabulate)
      })
    )
  )

  it.live("does not wait for a clock that was set back to come there again", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const tabulate = yield* makeTabulating
        assert.strictEqual(yield* tabulate, poll)
        yield* addBallots(poll, [[9, ["c"]]])
        yield* sql`
          update tabulation set made_at = made_at + interval '3 hours', due_at = due_at + interval '3 hours'
          where poll = ${poll}`
        assert.strictEqual(yield* tabulate, poll)
      })
    )
  )

  it.live("waits ten times as long as it took until the next time, 2 s at least", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const { claim, store } = yield* Tabulations
        const pauseAfter = Effect.fnUntraced(function* (ms: number) {
          yield* makeDue(poll)
          const claimed = (yield* claim) ?? assert.fail("nothing to tabulate")
          yield* sql`update poll set revision = revision + 1 where slug = ${poll}`
          assert.isTrue(yield* store(claimed, 1, JSON.stringify({}), ms))
          const [row] = yield* sql<{ pause: number }>`
            select extract(epoch from due_at - made_at)::float8 as pause from tabulation where poll = ${poll}`
          return Math.round(row?.pause ?? 0)
        })
        assert.strictEqual(yield* pauseAfter(10), 2)
        assert.strictEqual(yield* pauseAfter(3_000), 30)
      })
    )
  )

  it.live("is done by another consumer where one was stopped in the middle, or has died", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const tabulations = yield* Tabulations
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const reading = yield* Deferred.make<void>()
        const stuck = Tabulations.of({
          ...tabulations,
          read: () => Effect.andThen(Deferred.succeed(reading, undefined), Effect.never)
        })
        const stopped = yield* Effect.forkChild(
          Effect.flatten(Effect.provideService(makeTabulating, Tabulations, stuck))
        )
        yield* Deferred.await(reading)
        const tabulate = yield* makeTabulating
        assert.isUndefined(yield* tabulate, "somebody is at it")
        yield* Fiber.interrupt(stopped)
        assert.strictEqual(yield* tabulate, poll)

        yield* addBallots(poll, [[9, ["c"]]])
        yield* makeDue(poll)
        const claimed = (yield* tabulations.claim) ?? assert.fail("nothing to tabulate")
        assert.isUndefined(yield* tabulate, "somebody seems to be at it")
        yield* sql`update tabulation set held_until = clock_timestamp() where poll = ${poll}`
        assert.strictEqual(yield* tabulate, poll)
        assert.isFalse(yield* tabulations.store(claimed, 1, "{}", 0), "it comes back, too late")
        assert.deepStrictEqual((yield* presentOf(poll)).elected, ["c"])
      })
    )
  )

  it.live("is whoever's who claimed it last: to keep, to give back, and to store once", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { claim, release, renew, store } = yield* Tabulations
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        const lapse = sql`update tabulation set held_until = '-infinity' where poll = ${poll}`
        const former = (yield* claim) ?? assert.fail("nothing to tabulate")
        yield* lapse
        yield* renew({ poll, holder: makeVoteId() })
        const latter = (yield* claim) ?? assert.fail("renewed by a stranger")
        yield* release(former)
        assert.isUndefined(yield* claim, "given back by who had it before")
        yield* lapse
        yield* renew(latter)
        assert.isUndefined(yield* claim, "it was renewed")
        yield* release(latter)
        assert.isFalse(yield* store(latter, 1, "{}", 0), "it was given back")
        const last = (yield* claim) ?? assert.fail("it was not given back")
        assert.isTrue(yield* store(last, 1, "{}", 0))
        assert.isFalse(yield* store(last, 1, "{}", 0), "it was stored")
      })
    )
  )

  it.live("draws by the hash of the poll's seed until the poll is final, and by the seed then", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const tabulate = yield* makeTabulating
        const options = ["c", "a", "b"]
        const poll = yield* rankedPoll({ options, method: "irv", ballots: options.map((id) => [1, [id]]) })
        const drawn = Effect.andThen(
          tabulate,
          Effect.map(presentOf(poll), ({ ties: [tie] }) => {
            assert.deepStrictEqual(tie?.options, options)
            return tie?.drawn
          })
        )
        const seed = Buffer.alloc(32, 7)
        const before = drawOrder(createHash("sha256").update(seed).digest(), options)
        assert.notDeepEqual(before, drawOrder(seed, options))
        assert.deepStrictEqual(yield* drawn, before)
        yield* sql`update poll set closes_ms = 1, final_at = now(), revision = revision + 1 where slug = ${poll}`
        assert.deepStrictEqual(yield* drawn, drawOrder(seed, options))
      })
    )
  )

  it.live("reads a poll's rankings as they were when it began", () =>
    run(
      Effect.gen(function* () {
        const { read } = yield* Tabulations
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        // In a transaction of their own.
        const elsewhere = Effect.runPromiseWith(yield* Effect.context<SqlClient.SqlClient>())
        const pages: Array<string> = []
        const { revision } = yield* read(
          poll,
          () => Effect.promise(() => elsewhere(addBallots(poll, [[9, ["c"]]]))),
          (page) => Effect.sync(() => pages.push(Buffer.from(page).toString()))
        )
        assert.deepStrictEqual(pages, ["a 4\nb 3\nc>b 2"])
        assert.strictEqual(revision, (yield* tallyOf(poll)).revision - 1)
      })
    )
  )

  it.live("makes those first that are final, then those that have waited longest, and no other polls", () =>
    run(
      Effect.gen(function* () {
        const [sql, tabulate] = [yield* SqlClient.SqlClient, yield* makeTabulating]
        yield* (yield* Ledger).count(VoteColumns.of([voteAt(Date.now(), defaultPoll.slug, "cats")]))
        const polls: Array<string> = []
        for (let made = 0; made < 4; made++) {
          polls.push(yield* rankedPoll({ ...abc, ballots: few }))
          yield* tabulate
        }
        // Not in the order of their names.
        const [final = "", later = "", sooner = "", unchanged = ""] = polls.sort()
        for (const poll of [final, later, sooner]) yield* addBallots(poll, [[1, ["c"]]])
        yield* sql`update poll set closes_ms = 1, final_at = now() where slug = ${final}`
        for (const [hours, poll] of [final, later, sooner, unchanged].entries())
          yield* sql`update tabulation set due_at = now() - make_interval(hours => ${hours}) where poll = ${poll}`
        const { isBehind } = yield* Tabulations
        const made: Array<readonly [poll: string | undefined, behind: boolean]> = []
        for (let turn = 0; turn < 4; turn++) made.push([yield* tabulate, isBehind()])
        assert.deepStrictEqual(made, [
          [final, true],
          [sooner, true],
          [later, true],
          [undefined, false]
        ])
      })
    )
  )

  it.live("leaves a poll to the one who was sooner, also where it is made by then", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { claim } = yield* Tabulations
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        yield* yield* makeTabulating
        yield* addBallots(poll, [[9, ["c"]]])
        for (const meanwhile of [
          sql`held_until = now() + interval '1 minute'`,
          sql`revision = (select revision from poll where slug = ${poll})`,
          sql`due_at = now() + interval '1 hour'`
        ]) {
          yield* sql`
            update tabulation set due_at = '-infinity', held_until = '-infinity', revision = 1 where poll = ${poll}`
          const release = yield* held(sql`update tabulation set ${meanwhile} where poll = ${poll}`)
          const claiming = yield* Effect.forkChild(claim)
          yield* untilWaiting("transactionid", "ShareLock")
          yield* release
          assert.isUndefined(yield* Fiber.join(claiming))
        }
        yield* makeDue(poll)
        assert.strictEqual((yield* claim)?.poll, poll)
      })
    )
  )

  it.live("goes on after a poll that can't be tabulated", () =>
    run(
      Effect.gen(function* () {
        const wrong = yield* rankedPoll({ ...abc, ballots: few })
        yield* addBallots(wrong, [[1, ["what-is-no-option"]]])
        const tabulate = yield* makeTabulating
        assert.strictEqual((yield* Effect.exit(tabulate))._tag, "Failure")
        const poll = yield* rankedPoll({ ...abc, ballots: few })
        yield* eventually(Effect.map(tabulate, (made) => assert.strictEqual(made, poll)))
        assert.deepStrictEqual((yield* presentOf(poll)).elected, ["b"])
      })
    )
  )

  it.live("reads more rankings than one page has, as of one revision, and leaves abstentions out", () =>
    run(
      Effect.gen(function* () {
        const options = Array.from({ length: 30 }, (_, index) => `o${index}`)
        const ballots: Ballots = options.flatMap((a) =>
          options.flatMap((b) => options.map((c) => [1, [...new Set([a, b, c])]] as const))
        )
        const poll = yield* rankedPoll({ options, method: "stv", seats: 3, ballots: [...ballots, [5, ["-"]]] })
        const tabulate = yield* makeTabulating
        assert.strictEqual(yield* tabulate, poll)
        const tabulation = yield* presentOf(poll)
        assert.strictEqual(tabulation.ballots, 27_000)
        assert.lengthOf(tabulation.elected, 3)
        assert.isAbove(tabulation.ties.length, 0)
        const { abstained, ballots: all } = yield* tallyOf(poll)
        assert.deepStrictEqual({ abstained, all }, { abstained: 5, all: 27_005 })
      })
    )
  )
})

describe("the thread that tabulates", () => {
  const rules = { method: "irv", seats: 1, tieBreak: "draw", tieSeed: new Uint8Array(32) } as const
  const task = { options: ["a", "b"], rules }
  const page = (text: string) => new Uint8Array(Buffer.from(text))

  it.live("counts one poll after another, and says why it has ended to who asks it then", () =>
    Effect.gen(function* () {
      const thread = yield* makeTabulationThread
      for (const ballots of [3, 4]) {
        yield* thread.begin(task)
        const shared = page(`a ${ballots}`)
        yield* thread.add(shared)
        // Its bytes lie in a buffer that others go on using.
        assert.strictEqual(shared.byteLength, 3)
        assert.strictEqual((yield* thread.tabulate).ballots, ballots)
      }
      const why = /what-is-none names what is no option/
      yield* thread.begin(task)
      assert.match(String((yield* Effect.flip(thread.add(page("what-is-none 1")))).cause), why)
      yield* eventually(Effect.map(Effect.flip(thread.begin(task)), ({ cause }) => assert.match(String(cause), why)))
    }).pipe(Effect.scoped)
  )

  it.live("ends where nobody waits for its answer any more, which would be taken for the next one", () =>
    Effect.gen(function* () {
      const thread = yield* makeTabulationThread
      yield* thread.begin(task)
      const asking = yield* Effect.forkChild(thread.tabulate)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(asking)
      assert.match(String((yield* Effect.flip(thread.begin(task))).cause), /has ended/)
    }).pipe(Effect.scoped)
  )
})
