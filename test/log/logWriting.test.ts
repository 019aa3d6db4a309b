import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule, Struct } from "effect"
import { SqlClient } from "effect/sql"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LogHeads } from "../../src/ledger/LogHeads.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { LogSettings } from "../../src/log/LogSettings.ts"
import { layerLogWriting } from "../../src/log/LogWriting.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { expectLogged, layerLogs, readLeaves, sequenceAll } from "../support/logs.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, voteAt } from "../support/votes.ts"

const layerWith = (keys: number) =>
  Layer.fresh(layerLogWriting).pipe(
    Layer.provide(
      Layer.succeed(
        LogSettings,
        LogSettings.of({
          keys: Array.from({ length: keys }, () => Redacted.make(randomBytes(32).toString("base64"))),
          host: "logs.test"
        })
      )
    )
  )

const soon = Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(1_500)])

/** Waits until all leaves of a poll's log are signed, and there are as many as that. */
const signedUpTo = Effect.fnUntraced(function* (poll: string, size: number) {
  const heads = yield* LogHeads
  yield* heads.list(poll).pipe(
    Effect.filterOrFail(([log]) => log?.size === size && log.signedSize === size),
    Effect.retry(soon)
  )
})

/** Says that something has changed, as whoever changes it does. */
const tell = (poll: string) => Effect.flatMap(Announcements, ({ announce }) => announce("tally", poll))

const count = (poll: string, votes: number, voterOf: (at: number) => string | undefined = () => undefined) =>
  Effect.flatMap(Ledger, (ledger) =>
    ledger.count(VoteColumns.of(Array.from({ length: votes }, (_, at) => voteAt(Date.now(), poll, "tea", voterOf(at)))))
  ).pipe(Effect.andThen(tell(poll)))

describe("writing the public logs", () => {
  it.live("goes on with two processes at it, any of which may end at any time", () =>
    Effect.gen(function* () {
      const poll = yield* createPoll()
      const lasting = yield* Effect.forkScoped(Layer.launch(layerWith(1)))
      // Others come and go in the middle of what they do.
      const passing = yield* Effect.forkScoped(
        Effect.forever(Effect.ignore(Effect.timeout(Layer.launch(layerWith(1)), "90 millis")))
      )
      for (let batch = 0; batch < 40; batch++) yield* count(poll, 100)
      yield* signedUpTo(poll, 4_001)
      yield* Fiber.interrupt(passing)
      yield* count(poll, 3)
      yield* signedUpTo(poll, 4_004)
      yield* Fiber.interrupt(lasting)
      assert.strictEqual((yield* expectLogged(poll)).recounted.ballots, 4_003)
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerLogs, layerServers())))
  )

  it.live("takes the logs from polls where there is no key, and leaves those that have begun", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const begun = yield* createPoll()
      const first = yield* Effect.forkScoped(Layer.launch(layerWith(1)))
      yield* signedUpTo(begun, 1)
      yield* Fiber.interrupt(first)
      const poll = yield* createPoll()
      const draft = yield* createPoll({ draft: true })
      yield* count(poll, 5)
      yield* sql`update poll set created_at = created_at - interval '1 minute'`
      yield* Effect.forkScoped(Layer.launch(layerWith(0)))
      const off = sql<{ log: boolean; left: number }>`
        select log, (select count(*)::int from log_queue where slug = any (polls)) as left from poll where slug = ${poll}`
      yield* off.pipe(
        Effect.filterOrFail(([row]) => row?.log === false && row.left === 0),
        Effect.retry(soon)
      )
      yield* count(poll, 5)
      assert.deepStrictEqual(yield* off, [{ log: false, left: 0 }])
      const kept = yield* sql<{ log: boolean }>`select log from poll where slug in (${begun}, ${draft})`
      assert.deepStrictEqual(kept, [{ log: true }, { log: true }])
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerLogs, layerServers())))
  )

  it.live("brings a poll with voters into its log twenty votes at a time, and the rest at its end", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "once", identity: "browser" })
      yield* Effect.forkScoped(Layer.launch(layerWith(1)))
      const cast = (from: number, to: number) => count(poll, to - from, (at) => `voter ${from + at}`.padEnd(32))
      const emptied = sql<{ left: number }>`select count(*)::int as left from log_queue`.pipe(
        Effect.filterOrFail(([row]) => row?.left === 0),
        Effect.retry(soon)
      )
      yield* cast(0, 19)
      yield* emptied
      yield* signedUpTo(poll, 1)
      yield* cast(19, 20)
      yield* signedUpTo(poll, 21)
      yield* cast(20, 23)
      yield* emptied
      yield* signedUpTo(poll, 21)
      yield* sql`select close_poll(${poll}, ${Date.now() + 1_000}::bigint)`
      yield* tell(poll)
      // The three votes, and that the poll closes.
      yield* signedUpTo(poll, 25)
      yield* sql`select finish_poll(${poll}, ${Date.now() + 10_000}::bigint)`
      yield* tell(poll)
      yield* signedUpTo(poll, 27)
      const { leaves, recounted } = yield* expectLogged(poll)
      assert.strictEqual(recounted.ballots, 23)
      assert.notInclude(leaves.slice(1, 25).join("\n"), '"tea"')
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerLogs, layerServers())))
  )

  it.live("begins the log of a draft when it is published, with the links that were made before", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const heads = yield* LogHeads
      const slug = yield* createPoll({ draft: true, title: "Not said yet", ballot: "once", identity: "token" })
      yield* acts.tellTokens(slug, 30)
      yield* acts.act(slug, "edit", ({ poll }) => Effect.succeed({ poll: { ...poll, title: "Said" }, edited: true }))
      yield* acts.tellTokens(slug, 12)
      yield* sequenceAll
      assert.isEmpty(yield* heads.list(slug))
      yield* acts.act(slug, "edit", ({ poll }) => Effect.succeed({ poll: Struct.omit(poll, ["draft"]), edited: true }))
      yield* acts.tellTokens(slug, 3)
      yield* sequenceAll
      const [poll, ...others] = yield* readLeaves(slug)
      assert.include(poll, `"slug":"${slug}","title":"Said"`)
      assert.deepStrictEqual(others, ['{"v":1,"t":"tokens","made":42}', '{"v":1,"t":"tokens","made":45}'])
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerLogs, layerServers())))
  )

  it.live("keeps a slug for the poll that had a log under it, and not for a draft that was deleted", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const detailOf = (slug: string) =>
        Effect.match(createPoll({ slug }), { onFailure: (error) => error.message, onSuccess: () => "" })
      const remove = (slug: string) => acts.act(slug, "delete", () => Effect.succeed("deleted" as const))
      const published = yield* createPoll()
      const draft = yield* createPoll({ draft: true })
      yield* sequenceAll
      assert.strictEqual(yield* detailOf(published), `There is a poll ${published} already`)
      yield* remove(published)
      yield* remove(draft)
      assert.strictEqual(yield* detailOf(published), `There was a poll ${published} with a public log`)
      assert.strictEqual(yield* detailOf(draft), "")
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerLogs, layerServers())))
  )
})
