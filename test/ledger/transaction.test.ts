import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { inTransaction } from "../../src/ledger/Transaction.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, voteAt } from "../support/votes.ts"

layer(layerServers(), { excludeTestServices: true })("a transaction", (it) => {
  it.effect("that is left in its middle, as by a process that was stopped, does not keep others from counting", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const poll = yield* createPoll({ ballot: "once", identity: "browser" })
      const held = yield* Deferred.make<void>()
      const hold = sql`select 1 from poll where slug = ${poll} for update`.pipe(
        Effect.andThen(Deferred.succeed(held, undefined)),
        Effect.andThen(Effect.never)
      )
      const holder = yield* Effect.forkChild(inTransaction(sql)(hold))
      yield* Deferred.await(held)
      const { recorded } = yield* (yield* Ledger).count(VoteColumns.of([voteAt(Date.now(), poll, "tea", "a-voter")]))
      assert.deepStrictEqual(
        recorded.map((each) => each.status),
        ["counted"]
      )
      yield* Fiber.interrupt(holder)
      yield* inTransaction(sql)(sql`select 1`)
    })
  )
})
