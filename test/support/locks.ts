import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { eventually } from "./servers.ts"

/** Runs something in a transaction that stays open until the returned effect is run, and then does what is `last` in it. */
export const held = Effect.fnUntraced(function* <A, E, R, E2 = never, R2 = never>(
  effect: Effect.Effect<A, E, R>,
  last: Effect.Effect<unknown, E2, R2> = Effect.void
) {
  const sql = yield* SqlClient.SqlClient
  const [done, release] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const holding = effect.pipe(
    Effect.andThen(Deferred.succeed(done, undefined)),
    Effect.andThen(Deferred.await(release)),
    Effect.andThen(last),
    sql.withTransaction
  )
  const fiber = yield* Effect.forkChild(holding)
  yield* Deferred.await(done)
  return Effect.andThen(Deferred.succeed(release, undefined), Fiber.join(fiber))
})

/** Waits until so many sessions wait for such a lock. */
export const untilWaiting = (locktype: string, mode: string, sessions = 1) =>
  eventually(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [found] = yield* sql<{ count: bigint }>`
        select count(*) as count from pg_locks
        where locktype = ${locktype} and mode = ${mode} and not granted and pid in (
          select pid from pg_stat_activity where datname = current_database()
        )`
      assert.strictEqual(found?.count, BigInt(sessions))
    })
  )
