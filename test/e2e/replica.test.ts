import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Tracer } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { layerPostgres, layerReplica } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { startApi } from "../support/processes.ts"
import { primaryAndReplica } from "../support/replica.ts"
import { eventually, quiet } from "../support/servers.ts"
import { voteAt } from "../support/votes.ts"
import { get } from "./call.ts"
import { makeSite, untilReady } from "./site.ts"

/** Which server was asked for a tally, by the name of the span. */
const askers: Readonly<Record<string, "primary" | "replica">> = {
  "Ledger.tally": "primary",
  "Ledger.tally.replica": "replica"
}

/** Runs an effect and returns which servers it has asked. */
const asked = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const servers: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        const server = askers[options.name]
        if (server !== undefined) servers.push(server)
        return new Tracer.NativeSpan(options)
      }
    })
    return Effect.map(Effect.provideService(effect, Tracer.Tracer, tracer), (value) => ({ value, servers }))
  })

describe("a replica of the database", () => {
  it.live("is read from while it is fresh, never back in time, and not needed", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* primaryAndReplica
      const services = yield* Layer.build(
        Ledger.layer.pipe(Layer.provideMerge(layerPostgres(primary.url, 4)), Layer.provide(layerReplica(replica.url)))
      )
      const ledger = Context.get(services, Ledger)
      const control = Context.get(yield* Layer.build(layerPostgres(replica.url, 1)), SqlClient.SqlClient)
      yield* ledger.migrated

      let votes = 0
      const vote = Effect.suspend(() => {
        votes++
        return ledger.count(VoteColumns.of([voteAt(Date.now(), defaultPoll.slug, "cats")]))
      })
      /** Reads the tally, which must contain all votes, and returns who was asked. */
      const read = Effect.gen(function* () {
        const { servers, value } = yield* asked(ledger.tally(defaultPoll.slug))
        assert.strictEqual(value?.options[0]?.count, votes)
        return servers
      })
      const untilAsked = (...servers: ReadonlyArray<string>) =>
        eventually(Effect.map(read, (were) => assert.deepStrictEqual(were, servers)))

      yield* vote
      yield* untilAsked("replica")
      // Every counted vote is seen at once, however little the replica is behind.
      for (let round = 0; round < 20; round++) yield* Effect.andThen(vote, read)

      yield* control`select pg_wal_replay_pause()`
      yield* vote
      assert.strictEqual((yield* read).at(-1), "primary")
      assert.deepStrictEqual(yield* read, ["primary"])
      yield* control`select pg_wal_replay_resume()`
      yield* untilAsked("replica")

      // A program reads from it too.
      const site = yield* makeSite({ databaseUrl: primary.url })
      const env = { ...site.env, DATABASE_READ_URL: Redacted.value(replica.url) }
      const { url } = yield* startApi("api", { env })
      yield* untilReady(url)
      assert.deepInclude((yield* get(`${url}/api/results`)).body, { total_votes: votes })
      const [{ readers } = { readers: 0n }] = yield* control<{ readers: bigint }>`
          select count(*) as readers from pg_stat_activity
          where application_name = 'tallykeep' and pid <> pg_backend_pid()`
      assert.isAbove(Number(readers), 1)

      // The primary hangs: the replica shows all that was counted.
      yield* primary.signal("SIGSTOP")
      assert.deepStrictEqual(yield* read, ["primary", "replica"])
      yield* primary.signal("SIGCONT")
      yield* untilAsked("replica")

      // The replica hangs: after one try it is left alone for a while.
      yield* replica.signal("SIGSTOP")
      yield* vote
      assert.deepStrictEqual(yield* read, ["replica", "primary"])
      assert.deepStrictEqual(yield* read, ["primary"])
      yield* replica.signal("SIGCONT")
      yield* untilAsked("replica")

      // The primary is away and the replica is behind: an older result is not shown again.
      yield* control`select pg_wal_replay_pause()`
      yield* vote
      yield* read
      yield* primary.signal("SIGSTOP")
      assert.strictEqual((yield* Effect.flip(ledger.tally(defaultPoll.slug))).part, "database")
      yield* primary.signal("SIGCONT")

      yield* replica.stop
      yield* vote
      yield* read
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
