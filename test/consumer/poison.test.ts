import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References } from "effect"
import { SqlClient } from "effect/sql"
import { layerPool } from "../../src/consumer/Pool.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { makeSite, patiently } from "../e2e/site.ts"
import { startConsumer } from "../support/processes.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"

const vote = (poll: string, option: string, voteId = makeVoteId()) =>
  encodeVote({ voteId, poll, choice: option, castAt: Date.now() })

const twice = makeVoteId()

/** Entries that can't be counted, of each kind; the last one's vote comes twice. */
const kinds: ReadonlyArray<() => ReadonlyArray<string | Buffer>> = [
  () => ["noise", "x"],
  () => ["v", "99", "vote_id", makeVoteId()],
  () => ["v", "1", "poll", "cats-or-dogs", "option", Buffer.from([0xff, 0x00]), Buffer.from([0xfe]), ""],
  () => vote("no-such-poll", "cats"),
  () => vote("cats-or-dogs", "birds"),
  () => ["v", "1", "vote_id", "no uuid", "poll", "\u0000".repeat(300), "option", "x".repeat(300)],
  () => ["v", "1", "vote_id", makeVoteId(), "poll", "a\u001b[2J", "option", "b\r\n\u009b\u202e\u007f"],
  () => ["v", "1", "vote_id", makeVoteId(), "large", "x".repeat(20_000)],
  () => ["v", "1", "vote_id", twice]
]

describe("a poison producer", () => {
  it.live("has its entries buried in batches, each with one line; the votes between them are counted", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const ledger = yield* Ledger
      yield* ledger.migrated
      const rounds = 250
      const pipeline = client.pipeline()
      for (let round = 0; round < rounds; round++) {
        for (const kind of kinds) pipeline.xadd(stream, "*", ...kind())
        pipeline.xadd(stream, "*", ...vote("cats-or-dogs", "dogs"))
      }
      yield* Effect.promise(() => pipeline.exec())

      let calls = 0
      const counting = Ledger.of({
        ...ledger,
        bury: (entries) =>
          Effect.suspend(() => {
            calls++
            return ledger.bury(entries)
          })
      })
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel === "Warn" && /dead letter/.test(String(message))) lines.push(String(message))
      })
      // All but one of the entries with the same vote are duplicates.
      const dead = kinds.length * rounds - (rounds - 1)
      yield* eventually(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* statuses, { counted: rounds, dead })
          const { backlog } = yield* VoteStream
          assert.strictEqual(yield* backlog, 0)
        })
      ).pipe(
        Effect.provide(layerPool),
        Effect.provideService(Ledger, counting),
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Warn")
      )
      // 2,500 entries in batches of 500 or less, the large ones of 4 MiB.
      assert.isAtMost(calls, 20)
      assert.isAtMost(lines.length, calls)
      assert.match(lines[0] ?? "", /^\d+ entries of \S+ are dead letters: \d+-\d+, .* and so on\. The first of them: /)

      const sql = yield* SqlClient.SqlClient
      const [books] = yield* sql<{ duplicates: bigint; letters: bigint; deliveries: bigint }>`select
        (select count(*) from duplicate_entry) as duplicates, count(*) as letters, max(deliveries) as deliveries
        from dead_letter`
      assert.deepStrictEqual(books, { duplicates: BigInt(rounds - 1), letters: BigInt(dead), deliveries: 1n })
      // What is listed and logged controls no terminal.
      const [shown] = yield* sql<{
        texts: string
      }>`select string_agg(concat(poll, choice, reason), '') as texts from vote_event`
      assert.notMatch(shown?.texts ?? "", /\p{C}/u)
      // Each letter has the fields of its own entry, byte for byte.
      const letters = yield* sql<{ entry: string; fields: ReadonlyArray<Uint8Array> }>`
        select entry_id as entry, fields from dead_letter order by split_part(entry_id, '-', 1)::bigint,
        split_part(entry_id, '-', 2)::bigint`
      const held = yield* Effect.promise(() => client.xrangeBuffer(stream, "-", "+"))
      const inStream = new Map(
        held.map(([id, fields]) => [id.toString(), fields.map((field) => field.toString("hex"))])
      )
      for (const { entry, fields } of letters) {
        assert.deepStrictEqual(
          fields.map((field) => Buffer.from(field).toString("hex")),
          inStream.get(entry)
        )
      }
      assert.isAbove(letters.length, 0)
      const first = yield* sql<{ acceptance: string }>`
        select accepted_ms || '-' || accepted_seq as acceptance from vote_event where vote_id = ${twice}::uuid`
      const earliest = held.find(([, fields]) => fields[3]?.toString() === twice)
      assert.strictEqual(first[0]?.acceptance, earliest?.[0].toString())
    }).pipe(Effect.provide(layerServers({ batchSize: 500 })))
  )

  it.live("does not hold up a shutdown", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const poison = Array.from({ length: 20_000 }, () => ["*", "noise", "x"] as const)
      yield* Effect.promise(() => {
        const pipeline = site.redis.pipeline()
        for (const [id, ...fields] of poison) pipeline.xadd(site.stream, id, ...fields)
        return pipeline.exec()
      })
      const env = { ...site.env, BATCH_SIZE: "10000", CONSUMER_FIBERS: "1", SHUTDOWN_TIMEOUT: "15s" }
      const consumer = yield* startConsumer({ env })
      yield* patiently(
        Effect.gen(function* () {
          const [row] = yield* site.sql<{ dead: bigint }>`select count(*) as dead from dead_letter`
          assert.isAbove(Number(row?.dead), 0)
        })
      )
      consumer.signal("SIGTERM")
      assert.deepStrictEqual(yield* consumer.ended, { code: 0, signal: null })
      const lines = consumer
        .stdout()
        .split("\n")
        .filter((line) => line.includes("dead letter"))
      assert.isAtMost(lines.length, 2)
    }).pipe(Effect.scoped)
  )
})
