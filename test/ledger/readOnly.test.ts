import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { eventually, quiet } from "../support/servers.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"

/** A process with one connection, which its server may make read-only, as it does with those of a primary that was demoted. */
const makeProcess = Effect.gen(function* () {
  const url = yield* makeDatabase
  const services = yield* Layer.build(
    Layer.mergeAll(PollActs.layer, PollStore.layer).pipe(Layer.provideMerge(layerPostgres(url, 1)))
  )
  const others = yield* Layer.build(PollActs.layer.pipe(Layer.provide(layerPostgres(url, 1))))
  return {
    acts: Context.get(services, PollActs),
    atPrimary: Context.get(others, PollActs),
    store: Context.get(services, PollStore),
    demoted: Context.get(services, SqlClient.SqlClient)`set default_transaction_read_only = on`,
    restarted: Effect.ignore(Context.get(services, SqlClient.SqlClient)`select pg_terminate_backend(pg_backend_pid())`)
  }
})

const poll = { ...teaOrCoffeePoll, slug: "made-elsewhere" }

describe("a database that takes no writes, since another one is the primary by now", () => {
  it.live("is not believed that there is no such poll, and is left", () =>
    Effect.gen(function* () {
      const { acts, atPrimary, demoted, store } = yield* makeProcess
      assert.lengthOf(yield* store.list, 1)
      yield* demoted
      assert.match(String(yield* Effect.flip(store.list)), /read-only transaction \(25006\)/)
      yield* atPrimary.create(poll, 0)
      assert.lengthOf(yield* store.list, 2)
      yield* demoted
      assert.strictEqual((yield* acts.find(poll.slug))?.slug, poll.slug)
      assert.match(String(yield* Effect.flip(acts.find("another"))), /\(25006\)/)
      assert.isUndefined(yield* acts.find("another"))
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("is told as that in the log, also where it was shut down a moment ago", () => {
    const log = collectLog()
    return Effect.gen(function* () {
      const { demoted, restarted, store } = yield* makeProcess
      yield* store.list
      yield* restarted
      for (const _ of [1, 2]) {
        yield* eventually(demoted)
        yield* Effect.flip(store.list)
      }
      const [first = "", second = "", ...others] = log.like(/Gives up/)
      assert.match(first, /: it is shutting down$/)
      assert.match(second, /: it is read-only, .* default_transaction_read_only$/)
      assert.lengthOf(others, 0)
    }).pipe(Effect.scoped, Effect.provide(log.layer))
  })

  it.live("tells a process that has just started which polls there are", () =>
    Effect.gen(function* () {
      const { demoted, store } = yield* makeProcess
      yield* demoted
      assert.deepStrictEqual(
        (yield* store.list).map(({ slug }) => slug),
        [defaultPoll.slug]
      )
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
