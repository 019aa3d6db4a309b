import { Clock, Context, Effect, identity, Layer } from "effect"
import { OutOfService } from "../domain/Problems.ts"
import { entryMs, type Vote } from "../domain/Vote.ts"
import { makeMeter } from "../Meter.ts"
import { type Appender, makeAppender } from "./Appender.ts"
import { traceAppend } from "./AppendTrace.ts"
import type { Keeping } from "./Durability.ts"
import { type KeyMemory, makeKeyMemory } from "./KeyMemory.ts"
import { type Appended, findInFormerShards, findRecord, fromRecord, keyRecord, shardedBy } from "./KeyRecords.ts"
import { askNodes, type Refusal, type Work } from "./Nodes.ts"
import { command, Redis } from "./Redis.ts"
import { makeReplicatedWrites } from "./ReplicatedWrites.ts"
import { type Shard, Shards } from "./Shards.ts"
import { shutPoll, unshutPoll } from "./ShutPolls.ts"
import { type SolutionUse, spendSolution } from "./SpentSolutions.ts"
import { makeStreamClock } from "./StreamClock.ts"
import { StreamSettings } from "./StreamSettings.ts"
import type { StreamState } from "./StreamState.ts"
import { fieldsByName, keyProof } from "./VoteEntry.ts"

export type { Appended } from "./KeyRecords.ts"

/** The Redis Stream as the API sees it, whether it is one stream or several shards. */
export class VoteStream extends Context.Service<
  VoteStream,
  {
    /**
     * Appends a vote by a version of its poll, and returns the entry's id once Redis has confirmed it, and as many replicas as are asked for.
     * After a failure the vote may be in the stream or not.
     */
    append(vote: Vote, version?: number): Effect.Effect<string, OutOfService>
    /**
     * Appends a vote with an idempotency key of the client's. Where the key was used before in the poll, by the same voter if
     * the poll has voters, nothing is appended, and the first vote with that key is returned.
     */
    appendOnce(vote: Vote, key: string, version?: number): Effect.Effect<Appended, OutOfService>
    /** Finds the first vote with an idempotency key; undefined where the key was not used. */
    findKey(poll: string, voter: string | undefined, key: string): Effect.Effect<Appended | undefined, OutOfService>
    /** Uses up the solution of a challenge; returns whether it was free, or is the same vote's already. */
    spend(use: SolutionUse): Effect.Effect<boolean, OutOfService>
    /** What the records of idempotency keys hold of Redis's memory; in a process that samples it. */
    readonly keyMemory: KeyMemory
    /**
     * Returns the time that polls open and close by, in ms since 1970: that at which a vote would be accepted now, as last seen.
     */
    readonly now: () => number
    /** Finds a time to close a poll at: after all votes that are accepted already, and reached by `now`; in ms since 1970. */
    readonly closingTime: Effect.Effect<number, OutOfService>
    /**
     * Has the votes in a poll refused that go by an earlier version of it than this, from a time on, in ms since 1970, for so many ms.
     * Returns from when on: a later time where votes may have come in since the one that was given, which all of them are before.
     */
    shutPoll(poll: string, version: number, from: number, ms?: number): Effect.Effect<number, OutOfService>
    /** Has the votes in a poll taken that go by this version, which was the latest one at a time, in ms since 1970. */
    unshutPoll(poll: string, version: number, at: number): Effect.Effect<void, OutOfService>
    /** Finds the time up to which all that was ever accepted is counted: at most `latest`; in ms since 1970. */
    countedUpTo(latest: number): Effect.Effect<number, OutOfService>
    /** Finds the poll that a vote is in, if the stream holds this vote under this id. */
    find(voteId: string, streamId: string): Effect.Effect<string | undefined, OutOfService>
    /** The state of each stream. */
    readonly states: Effect.Effect<ReadonlyArray<StreamState>, OutOfService>
    /** How many votes are accepted and not yet counted. */
    readonly backlog: Effect.Effect<number, OutOfService>
    /** How Redis keeps votes; of several nodes, the worst of each. */
    readonly keeping: Effect.Effect<Keeping, OutOfService>
    /** Returns the shards that the work can't be done for at the moment; fails where these are all. Does none of it. */
    check(work: Work): Effect.Effect<ReadonlyArray<Refusal>, OutOfService>
  }
>()("tallykeep/stream/VoteStream") {
  static readonly layer = Layer.effect(
    VoteStream,
    Effect.gen(function* () {
      const shards = yield* Shards
      const redis = yield* Redis
      const settings = yield* StreamSettings
      const clock = makeStreamClock(yield* Clock.Clock)
      const { keyBytes, ...nodes } = askNodes(shards, settings, clock)
      const keyMemory = yield* makeKeyMemory(settings, { keeping: nodes.keeping, keyBytes })
      const meter = yield* makeMeter
      const accepted = meter.counterByPoll("tallykeep_votes_accepted_total", "Votes that Redis has confirmed")

      const { appendReplicas } = settings
      const replicated = appendReplicas === 0 ? undefined : makeReplicatedWrites(appendReplicas)
      const appenders = new Map<Shard, Appender>()
      const appenderOf = (shard: Shard): Appender => {
        const made = appenders.get(shard) ?? makeAppender(shard, keyMemory.ttl, replicated)
        appenders.set(shard, made)
        return made
      }

      const shardOf = (vote: Vote) => shards.of(vote.voter ?? vote.voteId)
      const useOf = (vote: Vote, key: string) => ({ poll: vote.poll, voter: vote.voter, key })

      // One step, since each costs every vote something.
      const append = (vote: Vote, version?: number, traceparent?: string): Effect.Effect<string, OutOfService> =>
        Effect.callback((resume) => {
          const shard = shardOf(vote)
          appenderOf(shard)
            .append(vote, { version, traceparent })
            .then(
              (streamId) => {
                accepted(vote.poll)
                clock.reached(shard.stream, entryMs(streamId))
                resume(Effect.succeed(streamId))
              },
              (cause: unknown) => resume(Effect.fail(new OutOfService({ part: "redis", cause })))
            )
        })

      const appendOnce = (vote: Vote, key: string, version?: number, traceparent?: string) => {
        const use = useOf(vote, key)
        const shard = shards.of(shardedBy(use))
        const appended = Effect.map(
          command(() =>
            appenderOf(shard).append(vote, {
              n: keyProof(vote.voteId, key),
              traceparent,
              version,
              record: keyRecord(shard, use)
            })
          ),
          (record) => {
            const appended = fromRecord(record)
            clock.reached(shard.stream, entryMs(appended.streamId))
            if (appended.voteId === vote.voteId) accepted(vote.poll)
            return appended
          }
        )
        return Effect.flatMap(findInFormerShards(shards, use, replicated), (first) =>
          first === undefined ? appended : Effect.succeed(first)
        )
      }

      const findIn = (voteId: string, streamId: string) => (shard: Shard) =>
        Effect.map(
          command(() => shard.client.xrange(shard.stream, streamId, streamId)),
          ([entry]) => {
            const fields = fieldsByName(entry?.[1] ?? [])
            return fields.vote_id === voteId ? fields.poll : undefined
          }
        )

      /** Asks all streams, since an id does not tell its stream. A vote that none has may be in one that does not answer. */
      const find = Effect.fnUntraced(function* (voteId: string, streamId: string) {
        const [answers, [failure]] = yield* Effect.partition(yield* shards.all, findIn(voteId, streamId), {
          concurrency: "unbounded"
        })
        const poll = answers.find((found) => found !== undefined)
        return poll === undefined && failure !== undefined ? yield* failure : poll
      })

      const tracedAppend = (vote: Vote, version?: number) =>
        traceAppend(shardOf(vote), vote, (traceparent) => append(vote, version, traceparent), identity)
      const tracedAppendOnce = (vote: Vote, key: string, version?: number) =>
        traceAppend(
          shards.of(shardedBy(useOf(vote, key))),
          vote,
          (traceparent) => appendOnce(vote, key, version, traceparent),
          ({ streamId }) => streamId
        )

      return VoteStream.of({
        append: settings.tracing ? tracedAppend : append,
        appendOnce: settings.tracing ? tracedAppendOnce : appendOnce,
        find,
        findKey: (poll, voter, key) => findRecord(shards, { poll, voter, key }, replicated),
        shutPoll: (poll, version, from, ms) =>
          Effect.flatMap(shards.all, (all) => shutPoll(all, clock.reached, poll, version, from, ms)),
        unshutPoll: (poll, version, at) => Effect.flatMap(shards.all, (all) => unshutPoll(all, poll, version, at)),
        spend: (use) => spendSolution(redis, settings.stream, use),
        keyMemory,
        ...nodes
      })
    })
  ).pipe(Layer.provide(Shards.layer))
}
