import { Context, Effect, Layer } from "effect"
import type { OptionTally } from "../../src/domain/OptionResult.ts"
import { defaultPoll, type Poll } from "../../src/domain/Poll.ts"
import { OutOfService } from "../../src/domain/Problems.ts"
import type { Vote, VoteStatus } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type LogName, LogStore } from "../../src/ledger/LogStore.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import type { KeyMemory } from "../../src/stream/KeyMemory.ts"
import { Liveness } from "../../src/stream/Liveness.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import type { MemoryLog } from "./memoryLog.ts"
import { tallied } from "./tallied.ts"

/** `up`, refusing as in an outage, or dying as only a mistake of ours would make it. */
type Health = "up" | "away" | "broken"

/** What stands for Redis and PostgreSQL in these tests, which change it as they like. */
export class World extends Context.Service<
  World,
  {
    redis: Health
    /** Shards that take no votes. */
    shardsAway: ReadonlyArray<string>
    /** What Redis says to each vote, where it answers and takes none. */
    refusal: string | undefined
    /** Redis tells how it keeps votes. */
    keeping: boolean
    database: Health
    /** What was appended, with the keys. */
    votes: Array<Vote & { readonly key?: string }>
    counts: ReadonlyArray<OptionTally>
    /** The polls beside the default one, known once a request asks for one of them. */
    polls: ReadonlyArray<Poll>
    /** The public logs, of any polls. */
    logs: ReadonlyArray<MemoryLog>
    /** When the default poll's result became final, if it has. */
    finalMs: number | undefined
    /** The default poll exists. */
    migrated: boolean
    /** By `vote_id`. */
    receipts: Map<string, VoteStatus>
    /** The lowest `vote_id` of the time that the ledger keeps. */
    oldest: string
    pending: number
    full: boolean
    /** No vote with a new idempotency key is taken. */
    keysFull: boolean
    /** How often the tally was read. */
    reads: number
    /** How long that takes, in ms. */
    delay: number
    /** What Redis waits for before it confirms an append. */
    held: Effect.Effect<void>
  }
>()("tallykeep/test/World") {}

export const newWorld = (): World["Service"] => ({
  redis: "up",
  shardsAway: [],
  refusal: undefined,
  keeping: true,
  database: "up",
  votes: [],
  counts: [
    { option: "cats", count: 2 },
    { option: "dogs", count: 1 }
  ],
  polls: [],
  logs: [],
  finalMs: undefined,
  migrated: true,
  receipts: new Map(),
  oldest: "",
  pending: 0,
  full: false,
  keysFull: false,
  reads: 0,
  delay: 0,
  held: Effect.void
})

/** The world of the server under test, made new. */
export const freshWorld = Effect.map(World, (world): World["Service"] => Object.assign(world, newWorld()))

export const streamId = "1732000000000-0"

/** What a mistake of ours might say, and no client may read. */
export const secret = "password=hunter2"

/** What stands for the memory of idempotency keys where there are none. */
export const noKeyMemory: KeyMemory = {
  bytes: () => 0,
  limit: () => 1,
  ttl: () => 60_000,
  isFull: () => false,
  sample: Effect.void
}

const refused = (reply: string) =>
  new OutOfService({ part: "redis", cause: Object.assign(new Error(reply), { name: "ReplyError" }) })

/** `VoteStream`, `Ledger` and `Backlog` as the world says. */
export const layerMocks = Layer.unwrap(
  Effect.map(World, (world) => {
    const ask = <A>(part: "redis" | "database", value: () => A) =>
      Effect.suspend(() => {
        if (world[part] === "broken") return Effect.die(new Error(secret))
        return world[part] === "up" ? Effect.sync(value) : new OutOfService({ part, cause: new Error("refused") })
      })
    const stream = Layer.mock(VoteStream, {
      now: () => Date.now(),
      append: (vote) =>
        ask("redis", () => {
          world.votes.push(vote)
          return streamId
        }).pipe(Effect.tap(() => world.held)),
      appendOnce: (vote, key) =>
        ask("redis", () => {
          const first = world.votes.find((earlier) => earlier.key === key) ?? vote
          if (first === vote) world.votes.push({ ...vote, key })
          return { streamId, voteId: first.voteId, choice: first.choice }
        }),
      findKey: (_poll, _voter, key) =>
        ask("redis", () => {
          const first = world.votes.find((earlier) => earlier.key === key)
          return first === undefined ? undefined : { streamId, voteId: first.voteId, choice: first.choice }
        }),
      find: (voteId, id) =>
        ask("redis", () => (id === streamId ? world.votes.find((vote) => vote.voteId === voteId)?.poll : undefined)),
      keeping: Effect.suspend(() =>
        world.keeping
          ? Effect.succeed({
              durability: "fsync" as const,
              evicts: false,
              maxMemory: Number.POSITIVE_INFINITY,
              memoryRatio: 0,
              unwritten: [],
              warnings: []
            })
          : new OutOfService({ part: "redis", cause: new Error("refused") })
      ),
      keyMemory: { ...noKeyMemory, isFull: () => world.keysFull },
      check: () =>
        Effect.suspend(() =>
          world.refusal === undefined
            ? ask("redis", () => world.shardsAway.map((stream) => ({ stream, error: refused("nobody is there") })))
            : refused(world.refusal)
        )
    })
    const ledger = Layer.mock(Ledger, {
      find: (voteId) => ask("database", () => world.receipts.get(voteId)),
      keeps: (voteId) => ask("database", () => voteId >= world.oldest),
      tally: (poll) =>
        Effect.andThen(
          Effect.suspend(() => (world.delay > 0 ? Effect.sleep(world.delay) : Effect.void)),
          ask("database", () => {
            world.reads++
            const lastUpdated = new Date("2026-01-02T03:04:05.678Z")
            const final = world.finalMs === undefined ? {} : { finalMs: world.finalMs }
            return world.migrated
              ? { poll, revision: 12, epoch: "0a1b2c3d", lastUpdated, ...tallied(world.counts), ...final }
              : undefined
          })
        ),
      ping: ask("database", () => undefined),
      migrated: Effect.void
    })
    const backlog = Layer.succeed(Backlog, { pending: () => world.pending, isFull: () => world.full })
    const polls = Layer.mock(PollStore, {
      list: ask("database", () => (world.migrated ? [...world.polls, defaultPoll] : []))
    })
    const logAt = ({ number, poll }: LogName) =>
      world.logs.find((log) => log.poll.slug === poll && log.number === number)
    const logs = Layer.mock(LogStore, {
      checkpoint: (log) => ask("database", () => logAt(log)?.checkpoint),
      vkeys: (log) => ask("database", () => logAt(log)?.vkeys ?? []),
      tile: (log, level, index) => ask("database", () => logAt(log)?.tile(level, index)),
      find: (voteId) =>
        ask("database", () => world.logs.map((log) => log.find(voteId)).find((found) => found !== undefined))
    })
    const acts = Layer.mock(PollActs, {
      find: (slug) => ask("database", () => [...world.polls, defaultPoll].find((poll) => poll.slug === slug)),
      search: ({ limit }) => ask("database", () => [...world.polls, defaultPoll].slice(0, limit))
    })
    const announcements = Layer.succeed(Announcements, { announce: () => Effect.void, listen: () => Effect.void })
    return Layer.mergeAll(stream, ledger, backlog, polls, logs, acts, announcements, Liveness.layer)
  })
)
