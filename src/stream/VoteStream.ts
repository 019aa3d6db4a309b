import { createHash } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { encodeVote, fieldsByName, type Vote } from "../domain/Vote.ts"
import { makeMeter } from "../Metrics.ts"
import { type Keeping, readKeeping } from "./Durability.ts"
import { command, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"
import { readState, type StreamState } from "./StreamState.ts"
import { traceparentOf } from "./Traces.ts"

/** An appended vote. */
export interface Appended {
  readonly streamId: string
  readonly voteId: string
  readonly option: string
}

/** Where an idempotency key is remembered; by its digest, since a client may choose it as long as it likes. */
const keyRecord = (stream: string, poll: string, voter: string | undefined, key: string): string =>
  `${stream}:key:${poll}:${voter ?? ""}:${createHash("sha256").update(key).digest("base64url")}`

/** A record as the script keeps it: stream_id, vote_id and option. */
const fromRecord = (record: string): Appended => {
  const [streamId = "", voteId = "", option = ""] = record.split(" ")
  return { streamId, voteId, option }
}

/** The Redis Stream as the API sees it. */
export class VoteStream extends Context.Service<
  VoteStream,
  {
    /**
     * Appends a vote and gives the entry's id, once Redis has confirmed it. After a failure the vote may be in the
     * stream or not.
     */
    append(vote: Vote): Effect.Effect<string, OutOfService>
    /**
     * The same with an idempotency key of the client's: a key that was used before in the poll, by the same voter where
     * the poll has voters, appends nothing and gives what its first vote was given.
     */
    appendOnce(vote: Vote, key: string): Effect.Effect<Appended, OutOfService>
    /** What the first vote with an idempotency key was given; undefined where the key was not used. */
    findKey(poll: string, voter: string | undefined, key: string): Effect.Effect<Appended | undefined, OutOfService>
    /** The stream's clock, by which acceptance goes, in ms since 1970. */
    readonly now: Effect.Effect<number, OutOfService>
    /** The poll that an entry is a vote in, if the stream holds this vote under this id. */
    find(voteId: string, streamId: string): Effect.Effect<string | undefined, OutOfService>
    /** How each stream stands. */
    readonly states: Effect.Effect<ReadonlyArray<StreamState>, OutOfService>
    /** How many votes are accepted and not yet counted. */
    readonly backlog: Effect.Effect<number, OutOfService>
    /** How Redis keeps what it is given. */
    readonly keeping: Effect.Effect<Keeping, OutOfService>
    /** Succeeds when Redis answers. */
    readonly ping: Effect.Effect<void, OutOfService>
  }
>()("tallykeep/stream/VoteStream") {
  static readonly layer = Layer.effect(
    VoteStream,
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const { idempotencyTtl, stream, tracing } = settings
      const meter = yield* makeMeter
      const accepted = meter.counterByPoll("tallykeep_votes_accepted_total", "Votes that Redis has confirmed")

      // XADD with `*` always gives an id.
      const append = (vote: Vote, traceparent?: string) =>
        Effect.map(
          command(() => client.xadd(stream, "*", ...encodeVote(vote, traceparent)) as Promise<string>),
          (streamId) => {
            accepted(vote.poll)
            return streamId
          }
        )

      const appendOnce = (vote: Vote, key: string, traceparent?: string) =>
        Effect.map(
          command(() =>
            client.appendOnce(
              stream,
              keyRecord(stream, vote.poll, vote.voter, key),
              idempotencyTtl,
              vote.voteId,
              vote.option,
              ...encodeVote(vote, traceparent)
            )
          ),
          (record) => {
            const appended = fromRecord(record)
            if (appended.voteId === vote.voteId) accepted(vote.poll)
            return appended
          }
        )

      const findKey = (poll: string, voter: string | undefined, key: string) =>
        Effect.map(
          command(() => client.get(keyRecord(stream, poll, voter, key))),
          (record) => (record === null ? undefined : fromRecord(record))
        )

      const find = (voteId: string, streamId: string) =>
        Effect.map(
          command(() => client.xrange(stream, streamId, streamId)),
          ([entry]) => {
            const fields = fieldsByName(entry?.[1] ?? [])
            return fields.vote_id === voteId ? fields.poll : undefined
          }
        )

      const now = Effect.map(
        command(() => client.time()),
        ([seconds, micros]) => Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
      )

      const states = Effect.map(readState(client, settings), (state) => [state])
      const backlog = Effect.map(states, (all) => all.reduce((sum, { lag, pending }) => sum + lag + pending, 0))

      /** The same under a span of its own, which the entry carries along. */
      const traced = <A>(vote: Vote, run: (traceparent: string | undefined) => Effect.Effect<A, OutOfService>) =>
        Effect.useSpan(
          "append vote",
          {
            kind: "producer",
            attributes: { "messaging.system": "redis", "messaging.destination.name": stream, vote_id: vote.voteId }
          },
          (span) => Effect.withParentSpan(run(traceparentOf(span)), span)
        )

      return VoteStream.of({
        append: tracing ? (vote) => traced(vote, (traceparent) => append(vote, traceparent)) : append,
        appendOnce: tracing
          ? (vote, key) => traced(vote, (traceparent) => appendOnce(vote, key, traceparent))
          : appendOnce,
        find,
        findKey,
        now,
        states,
        backlog,
        keeping: readKeeping(client),
        ping: Effect.asVoid(command(() => client.ping()))
      })
    })
  )
}
