import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, type Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { latestAcceptance } from "../../src/domain/Vote.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { readLedger } from "../../src/ledger/LedgerBooks.ts"
import { migrate } from "../../src/ledger/Migrations.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { makeEmptyDatabase } from "../support/databases.ts"
import { eventually, quiet } from "../support/servers.ts"
import { day, voteAt } from "../support/votes.ts"
import * as former from "./former.ts"
import { nextSchema } from "./nextSchema.ts"

const now = Date.now()

const letter = (vote: AcceptedVote) => ({
  ...vote,
  reason: "unknown option",
  stream: "votes",
  entryId: `${vote.ms}-${vote.seq}`,
  deliveries: 1n,
  fields: [Buffer.from("v")]
})

/** A database as the former version leaves it, with votes of each kind; and a connection as that version makes it. */
const formerDatabase = Effect.gen(function* () {
  const url = yield* makeEmptyDatabase
  const services = yield* Layer.build(former.layer(url))
  const use = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) => Effect.provideContext(effect, services)
  yield* use(migrate(former.schema))
  const open = voteAt(now, "cats-or-dogs", "cats")
  const dead = voteAt(now, "cats-or-dogs", "birds")
  const once = voteAt(now, "once", "tea", "ann")
  const changed = voteAt(now, "changeable", "tea", "ann")
  yield* use(
    Effect.gen(function* () {
      for (const ballot of ["once", "changeable"]) yield* former.createPoll(ballot, ballot)
      const resent = { ...open, ms: open.ms + 1n }
      const votes = [open, resent, once, changed, voteAt(now, "once", "coffee", "ann"), dead]
      assert.deepStrictEqual(yield* former.count(votes), {
        recorded: ["cats-or-dogs counted 1", "changeable counted 1", "once counted 1", "once rejected 1"],
        refusals: [{ index: 5, reason: "unknown option" }]
      })
      assert.strictEqual(yield* former.bury([letter(dead)]), 1)
    })
  )
  return { url, use, open, dead, once, changed }
})

/** Updates the database to what this version needs and then to what a later one may, and starts this version on it. */
const update = (url: Redacted.Redacted) =>
  Effect.gen(function* () {
    const services = yield* Layer.build(Ledger.layer.pipe(Layer.provideMerge(layerPostgres(url, 4))))
    yield* Context.get(services, Ledger).migrated
    // It gives up where it has to wait long for a lock, and is tried again.
    yield* eventually(Effect.provideContext(migrate(nextSchema), services))
    return services
  })

const countsOf = (ledger: Ledger["Service"], poll: string) =>
  Effect.map(ledger.tally(poll), (tally) => tally?.options.map((option) => option.count))

describe("an update from the version before", () => {
  it.live("leaves all that it says to the database as it was", () =>
    Effect.gen(function* () {
      const { changed, dead, once, open, url, use } = yield* formerDatabase
      const services = yield* update(url)
      const later = [
        voteAt(now + 1, "cats-or-dogs", "dogs"),
        voteAt(now + 1, "once", "coffee", "ann"),
        voteAt(now + 1, "once", "coffee", "bob"),
        voteAt(now + 1, "changeable", "coffee", "ann")
      ]
      yield* use(
        Effect.gen(function* () {
          assert.isTrue(yield* former.ping)
          assert.strictEqual((yield* former.polls).length, 3)
          yield* former.createPoll("new", "open")
          assert.deepStrictEqual(yield* former.count([open, once, ...later, voteAt(now, "new", "water")]), {
            recorded: ["cats-or-dogs counted 1", "changeable counted 1", "once counted 1", "once rejected 1"],
            refusals: [{ index: 6, reason: "unknown option" }]
          })
          assert.deepStrictEqual(yield* former.tally("cats-or-dogs"), { cats: 1, dogs: 1 })
          assert.deepStrictEqual(yield* former.tally("once"), { tea: 1, coffee: 1 })
          assert.deepStrictEqual(yield* former.tally("changeable"), { tea: 0, coffee: 1 })
          // It reads the row alone, which stays as it was; this version knows better.
          assert.deepInclude(yield* former.find(changed.voteId), { status: "counted" })
          const found = yield* Effect.provideContext(Context.get(services, Ledger).find(changed.voteId), services)
          assert.deepInclude(found, { status: "superseded" })
          assert.isTrue(yield* former.hasVoted("once", once.voter ?? ""))
          assert.isTrue(yield* former.close("changeable", now + 1))
          assert.deepStrictEqual(yield* former.tally("changeable"), { tea: 1, coffee: 0 })

          assert.deepStrictEqual(yield* Effect.flip(former.replay(dead)), "unknown option")
          const another = voteAt(now, "cats-or-dogs", "birds")
          assert.strictEqual(yield* former.bury([letter(another)]), 1)
          assert.strictEqual(yield* former.bury([letter(another)]), 0)
          yield* former.discard(another.voteId)
          const sql = yield* SqlClient.SqlClient
          yield* sql`insert into tally (poll, option, label, position) values ('cats-or-dogs', 'birds', 'Birds', 2)`
          assert.strictEqual((yield* former.deadLetters).length, 1)
          yield* former.replay(dead)
          assert.deepStrictEqual(yield* former.deadLetters, [])
          assert.deepInclude(yield* former.tally("cats-or-dogs"), { birds: 1 })
          assert.deepStrictEqual(yield* former.votes("cats-or-dogs"), { gone: 0, kept: 4 })
          assert.deepStrictEqual(yield* former.audit(latestAcceptance), {
            rows: { counted: 6, dead: 1, rejected: 3 },
            duplicates: 1,
            dropped: {},
            differences: []
          })
        })
      )
      const { differences, rows } = yield* Effect.provideContext(readLedger(latestAcceptance, []), services)
      assert.deepStrictEqual({ differences, rows }, { differences: [], rows: { counted: 6, dead: 1, rejected: 3 } })

      // Ten days later, all of that is older than what it keeps.
      yield* use(
        Effect.gen(function* () {
          assert.isTrue(yield* former.keeps(open.voteId))
          yield* former.extend(now + 10 * day, day)
          assert.deepStrictEqual(
            (yield* former.drop(now + 9 * day)).filter((rows) => rows > 0),
            [10]
          )
          assert.isFalse(yield* former.keeps(open.voteId))
          assert.strictEqual(yield* former.rebuild, 0)
          assert.deepStrictEqual(yield* former.audit(latestAcceptance), {
            rows: {},
            duplicates: 0,
            dropped: { counted: 6, dead: 1, rejected: 3, duplicate: 1 },
            differences: []
          })
          assert.deepStrictEqual(yield* former.votes("cats-or-dogs"), { gone: 4, kept: 0 })
        })
      )
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("goes on from what that version has counted", () =>
    Effect.gen(function* () {
      const { changed, once, open, url, use } = yield* formerDatabase
      // Of an API whose clock is far ahead: there will be no partition for it.
      const ahead = voteAt(now + 400 * day, "cats-or-dogs", "dogs")
      yield* use(former.count([ahead]))
      const ledger = Context.get(yield* update(url), Ledger)
      yield* ledger.count(
        VoteColumns.of([
          open,
          ahead,
          once,
          changed,
          voteAt(now + 1, "cats-or-dogs", "cats"),
          voteAt(now + 1, "once", "coffee", "ann"),
          voteAt(now + 1, "changeable", "coffee", "ann")
        ])
      )
      assert.deepStrictEqual(yield* countsOf(ledger, "cats-or-dogs"), [2, 1])
      assert.deepStrictEqual(yield* countsOf(ledger, "once"), [1, 0])
      assert.deepStrictEqual(yield* countsOf(ledger, "changeable"), [0, 1])
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("does not keep that version from counting meanwhile, and both count each vote once", () =>
    Effect.gen(function* () {
      const { url, use } = yield* formerDatabase
      let rounds = 0
      const batches: Array<ReadonlyArray<AcceptedVote>> = []
      // Either version fails at times, for want of a lock or for what was changed under it, and tries again.
      const counting = Effect.gen(function* () {
        const batch = Array.from({ length: 50 }, (_, index) =>
          index % 5 === 0
            ? voteAt(now, "changeable", "tea", `voter ${index}`)
            : voteAt(now, "cats-or-dogs", index % 2 === 0 ? "cats" : "dogs")
        )
        yield* eventually(former.count(batch))
        batches.push(batch)
        rounds++
      }).pipe(Effect.forever)
      const counters = yield* Effect.forEach([1, 2], () => Effect.forkChild(use(counting)))
      const until = (wanted: number) => eventually(Effect.sync(() => assert.isAtLeast(rounds, wanted)))
      yield* until(10)
      const services = yield* update(url)
      const ledger = Context.get(services, Ledger)
      // Taken over from that version, while it goes on.
      const again = batches.slice(0, 10)
      for (const batch of again) yield* ledger.count(VoteColumns.of(batch))
      yield* until(rounds + 10)
      yield* Effect.forEach(counters, Fiber.interrupt)
      for (const batch of batches) {
        assert.deepStrictEqual(yield* ledger.count(VoteColumns.of(batch)), { recorded: [], refusals: [] })
      }
      const { differences, rows } = yield* Effect.provideContext(readLedger(latestAcceptance, []), services)
      assert.deepStrictEqual(differences, [])
      const all = Object.values(rows).reduce((sum, count) => sum + count, 0)
      assert.isAtLeast(all, 50 * rounds)
      assert.deepStrictEqual(yield* countsOf(ledger, "changeable"), [11, 0])
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
