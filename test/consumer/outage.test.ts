import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layerPool } from "../../src/consumer/Pool.ts"
import type { Vote } from "../../src/domain/Vote.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { makeDatabase } from "../support/databases.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** So few that giving them up, one by one, would not take long. */
const few = 6

/** Casts votes while `trouble` is there, and asserts that after it all of them are counted and none is dead. */
const surviving = (
  trouble: Effect.Effect<void, unknown, SqlClient.SqlClient>,
  cure: Effect.Effect<void, unknown, SqlClient.SqlClient>
) =>
  Effect.gen(function* () {
    const stream = yield* VoteStream
    const ledger = yield* Ledger
    yield* ledger.migrated
    yield* trouble
    yield* Effect.gen(function* () {
      // On a busy machine Redis may answer too late: by its key, a vote that is sent again is the same one.
      const append = (vote: Vote) => eventually(stream.appendOnce(vote, vote.voteId))
      yield* Effect.forEach(Array.from({ length: few }, cast), append, { concurrency: "unbounded" })
      // Longer than it would take to count them, or to give them up.
      yield* Effect.sleep("700 millis")
      yield* eventually(Effect.map(stream.backlog, (waiting) => assert.strictEqual(waiting, few)))
      yield* cure
      yield* eventually(Effect.map(statuses, (found) => assert.deepStrictEqual(found, { counted: few })))
    }).pipe(Effect.provide(layerPool))
  })

const run = (statement: string) =>
  Effect.asVoid(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(statement).unprepared))

/** A trigger that fails all counting as the database itself would; burying would work. */
const failing = (code: string) =>
  run(`do $do$ begin
    create function fail() returns trigger language plpgsql as $$ begin
      if new.status = 'counted' then raise exception 'on purpose' using errcode = '${code}'; end if;
      return new;
    end $$;
    create trigger fail before insert on vote_event for each row execute function fail();
  end $do$`)

describe.concurrent("an outage is waited out, and never held against a vote", () => {
  it.live.each([
    { name: "too many connections", code: "53300" },
    { name: "disk full", code: "53100" },
    { name: "shutting down", code: "57P01" },
    { name: "starting up", code: "57P03" },
    { name: "a deadlock", code: "40P01" },
    { name: "a serialization failure", code: "40001" },
    { name: "read-only", code: "25006" },
    { name: "a lock not available", code: "55P03" },
    { name: "a connection exception", code: "08006" },
    { name: "an internal error", code: "XX000" },
    { name: "no permission", code: "42501" }
  ])("$name ($code)", ({ code }) =>
    // What counts meanwhile may be in a deadlock with it.
    surviving(failing(code), eventually(run("drop trigger if exists fail on vote_event"))).pipe(
      Effect.provide(layerServers())
    )
  )

  it.live("a table that is locked for long", () =>
    Effect.gen(function* () {
      const url = yield* makeDatabase
      const servers = layerServers({}, url)
      // A session of its own holds the lock until it ends.
      const locker = yield* Layer.build(layerPostgres(url, 1))
      yield* surviving(
        Effect.provide(run("begin"), locker).pipe(
          Effect.andThen(Effect.provide(run("lock table vote_event in access exclusive mode"), locker))
        ),
        Effect.provide(run("rollback"), locker)
      ).pipe(Effect.provide(servers))
    }).pipe(Effect.scoped)
  )
})

describe("a vote that the database refuses", () => {
  it.live("is found by halving its batch: it is dead, the 999 others are counted", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const ledger = yield* Ledger
      yield* ledger.migrated
      const poison = cast()
      yield* run(`do $do$ begin
        create function refuse() returns trigger language plpgsql as $$ begin
          if new.status = 'counted' and new.vote_id = '${poison.voteId}' then
            raise exception 'on purpose' using errcode = '22003';
          end if;
          return new;
        end $$;
        create trigger refuse before insert on vote_event for each row execute function refuse();
      end $do$`)
      const votes = Array.from({ length: 1000 }, (_, index) => (index === 700 ? poison : cast()))
      yield* Effect.forEach(votes, (vote) => stream.append(vote), { concurrency: 100 })
      yield* eventually(Effect.map(statuses, (found) => assert.deepStrictEqual(found, { counted: 999, dead: 1 }))).pipe(
        Effect.provide(layerPool)
      )
      assert.deepInclude(yield* ledger.find(poison.voteId), { status: "dead" })
    }).pipe(Effect.provide(layerServers({ batchSize: 1000 })))
  )
})
