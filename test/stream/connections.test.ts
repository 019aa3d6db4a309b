import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { layerPool } from "../../src/consumer/Pool.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { command, commandTimeout, Redis } from "../../src/stream/Redis.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { withRedis } from "../chaos/group.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { cast, expectCounted, expectHeard, votesWithin5s } from "../support/following.ts"
import { follow, openGateTo, startReplicable, urlOf } from "../support/redisPair.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { within } from "../support/within.ts"

describe("a Redis that was demoted", () => {
  it.live.each(["FAILOVER", "REPLICAOF"] as const)(
    "is left within 5 s by every connection, and no vote is called lost (%s)",
    (how) =>
      Effect.gen(function* () {
        const [first, second] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
        let master = first.port
        const gate = yield* openGateTo(() => master)
        const log = collectLog()
        yield* follow(second, first.port)
        yield* Effect.gen(function* () {
          yield* eventually(expectHeard)
          yield* Effect.flatMap(VoteStream, (stream) => eventually(stream.append(cast())))
          yield* expectCounted(1)
          yield* Effect.promise(async () => {
            if (how === "FAILOVER")
              await withRedis(first.address, (client) => client.call("FAILOVER", "TO", "127.0.0.1", second.port))
            else {
              // What the replica does not have yet, the group among it, would be lost.
              await withRedis(first.address, (client) => client.set("level", "1").then(() => client.wait(1, 0)))
              await withRedis(second.address, (client) => client.replicaof("NO", "ONE"))
              await withRedis(first.address, (client) => client.replicaof("127.0.0.1", second.port))
            }
          })
          master = second.port
          yield* votesWithin5s
          yield* expectHeard
          yield* votesWithin5s
          yield* expectCounted(3)
          assert.deepStrictEqual(log.like(/ALARM/), [])
          // What is announced is heard from the old master, too, by way of replication.
          const left = Effect.promise(() => withRedis(first.address, (client) => client.client("LIST")))
          const expectLeft = Effect.map(left, (all) =>
            assert.notMatch(String(all), /name=(tallykeep|announcements|test-)/)
          )
          yield* within(5_000, eventually(expectLeft))
        }).pipe(
          Effect.provide(Layer.mergeAll(layerPool, Backlog.layer).pipe(Layer.provide(log.layer))),
          Effect.provide(layerServers({ blockMs: 60_000 }, yield* makeDatabase, urlOf(gate)))
        )
      }).pipe(Effect.scoped)
  )
})

describe("a replica, as a connection may still have it that has not heard of a failover", () => {
  it.live("tells of a key that it knows, and of no other that it was not used", () =>
    Effect.gen(function* () {
      const server = yield* startReplicable
      yield* Effect.gen(function* () {
        const votes = yield* VoteStream
        const known = yield* eventually(votes.appendOnce(cast(), "known"))
        const find = (key: string) => votes.findKey("cats-or-dogs", undefined, key)
        assert.isUndefined(yield* find("another"))
        // Its master is away, so it keeps what it has.
        yield* Effect.promise(() => withRedis(server.address, (client) => client.replicaof("127.0.0.1", 1)))
        // The connection is left for that now and then, and comes back.
        yield* eventually(Effect.map(find("known"), (found) => assert.deepStrictEqual(found, known)))
        yield* eventually(
          Effect.map(Effect.flip(find("another")), ({ cause }) => assert.match(String(cause), /READONLY/))
        )
      }).pipe(Effect.provide(layerServers({}, undefined, server.url)))
    }).pipe(Effect.scoped)
  )
})

describe("a process that was not run for longer than a command may take", () => {
  it.live("takes the answers that have come meanwhile", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      yield* stream.append(cast())
      const appending = yield* Effect.forkChild(Effect.exit(stream.append(cast())))
      // It is sent by then.
      yield* Effect.promise(
        () => new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))
      )
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * commandTimeout)
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(appending)))
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("a half-open connection", () => {
  it.live("is given up: votes, announcements and counting go on within 5 s, however long reads may block", () =>
    Effect.gen(function* () {
      const { port } = yield* startReplicable
      const gate = yield* openGateTo(() => port)
      yield* Effect.gen(function* () {
        yield* eventually(expectHeard)
        yield* Effect.flatMap(VoteStream, (stream) => eventually(stream.append(cast())))
        yield* expectCounted(1)
        gate.silence()
        yield* votesWithin5s
        yield* expectHeard
        yield* expectCounted(2)
      }).pipe(
        Effect.provide(layerPool),
        Effect.provide(layerServers({ blockMs: 60_000 }, yield* makeDatabase, urlOf(gate)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("is given up within 5 s while nobody votes, too: for votes, reads and announcements", () =>
    Effect.gen(function* () {
      const { address, port } = yield* startReplicable
      const gate = yield* openGateTo(() => port)
      /** The connections that Redis has, each with its number and name. */
      const list = Effect.promise(async () => String(await withRedis(address, (client) => client.client("LIST"))))
      const idOf = (all: string, name: string) => new RegExp(`^id=(\\d+) .* name=${name} `, "m").exec(all)?.[1]
      const idsIn = (all: string) =>
        ["tallykeep", "announcements", "test-1", "test-2"].map((name) => idOf(all, name) ?? assert.fail(`no ${name}`))
      yield* Effect.gen(function* () {
        yield* eventually(expectHeard)
        const former = yield* eventually(Effect.map(list, idsIn))
        gate.silence()
        // Redis may not know yet that those were left.
        const withoutFormer = (all: string) =>
          former.reduce((left, id) => left.replace(new RegExp(`^id=${id} .*$`, "m"), ""), all)
        yield* within(5_000, eventually(Effect.map(list, (all) => idsIn(withoutFormer(all)))))
      }).pipe(
        Effect.provide(layerPool),
        Effect.provide(layerServers({ blockMs: 60_000 }, yield* makeDatabase, urlOf(gate)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("is given up with the others where it is for reads, and has asked for nothing yet", () =>
    Effect.gen(function* () {
      const { port } = yield* startReplicable
      const gate = yield* openGateTo(() => port)
      yield* Effect.gen(function* () {
        const redis = yield* Redis
        const reader = yield* redis.dedicated("reader")
        yield* eventually(command(() => reader.ping()))
        yield* eventually(command(() => redis.client.ping()))
        const former = redis.client.stream
        gate.silence()
        yield* eventually(Effect.sync(() => assert.notStrictEqual(redis.client.stream, former)))
        yield* within(5_000, eventually(command(() => reader.xread("BLOCK", 10, "STREAMS", "nothing", "$"))))
      }).pipe(Effect.scoped, Effect.provide(layerServers({}, yield* makeDatabase, urlOf(gate))))
    }).pipe(Effect.scoped)
  )

  it.live("is not what a busy connection is, nor one that waits for entries", () =>
    Effect.gen(function* () {
      const { port } = yield* startReplicable
      const log = collectLog()
      yield* Effect.gen(function* () {
        const redis = yield* Redis
        const reader = yield* redis.dedicated("reader")
        yield* eventually(command(() => reader.ping()))
        const read = reader.xread("BLOCK", 4_000, "STREAMS", "nothing", "$")
        assert.strictEqual(yield* Effect.promise(() => read), null)
        assert.deepStrictEqual(log.lines, [])
      }).pipe(
        Effect.scoped,
        Effect.provide(layerServers({}, yield* makeDatabase, urlOf({ port }))),
        Effect.provide(log.layer)
      )
    }).pipe(Effect.scoped)
  )
})
