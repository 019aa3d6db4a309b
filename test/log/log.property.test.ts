import { createHash } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type Current, type Outcome, PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { keyProof } from "../../src/stream/VoteEntry.ts"
import { checked, expectLogged, layerLogs, sequenceAll } from "../support/logs.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const votes = 12

/** What happens, one after the other; two batches are counted at once, and sequencers run at any time. */
const Steps = Schema.Array(
  Schema.Union([
    Schema.Struct({
      do: Schema.Literal("count"),
      one: Schema.Array(upTo(votes - 1)),
      other: Schema.Array(upTo(votes - 1))
    }),
    Schema.Struct({ do: Schema.Literal("bury"), vote: upTo(votes - 1) }),
    Schema.Struct({ do: Schema.Literal("replay"), vote: upTo(votes - 1) }),
    Schema.Struct({ do: Schema.Literal("discard"), vote: upTo(votes - 1) }),
    Schema.Struct({ do: Schema.Literal("close"), at: upTo(votes) }),
    Schema.Struct({ do: Schema.Literal("reopen"), at: upTo(votes) }),
    Schema.Struct({ do: Schema.Literal("edit") }),
    Schema.Struct({ do: Schema.Literal("finish") }),
    Schema.Struct({ do: Schema.Literal("write") })
  ])
).check(Schema.isMaxLength(12))

const Poll = Schema.Struct({
  ballot: Schema.Literals(["open", "once", "changeable"]),
  identity: Schema.Literals(["anyone", "browser"]),
  results: Schema.Literals(["live", "after_close"])
})

/** Opens a poll that has closed again, as an organiser does at a time: votes from in between stay rejected. */
const reopen =
  (now: number) =>
  ({ poll }: Current): Effect.Effect<Outcome> => {
    const { closesMs, ...open } = poll
    if (closesMs === undefined || closesMs >= now) return Effect.succeed(undefined)
    return Effect.succeed({ poll: { ...open, shut: [...(poll.shut ?? []), [closesMs, now]] } })
  }

/** Changes what voters read, and, as long as no vote counts, what they can vote for. */
const edit = ({ hasVotes, poll }: Current): Effect.Effect<Outcome> => {
  const options = poll.options.map(({ id, label }) => ({ id, label: `${label}!` }))
  const more = hasVotes ? [] : [{ id: `option-${options.length}`, label: "Another" }]
  return Effect.succeed({ poll: { ...poll, title: `${poll.title}!`, options: [...options, ...more] }, edited: true })
}

const finish = (poll: string) => Effect.flatMap(PollStore, (store) => store.finish(poll, 1000 + votes))

layer(Layer.provideMerge(Layer.mergeAll(layerLogs, DeadLetters.layer), layerServers()), { excludeTestServices: true })(
  "public logs",
  (it) => {
    it.effect.prop(
      "come to what the ledger comes to, whatever becomes of the votes, and whoever writes when",
      [Poll, Steps],
      ([{ ballot, identity, results }, steps]) =>
        Effect.gen(function* () {
          const ledger = yield* Ledger
          const letters = yield* DeadLetters
          const polls = yield* PollActs
          const sql = yield* SqlClient.SqlClient
          const poll = yield* createPoll({ ballot, identity: ballot === "open" ? identity : "browser", results })
          const all = Array.from({ length: votes }, (_, at) => {
            const voteId = makeVoteId()
            return {
              voteId,
              poll,
              choice: at % 3 === 0 ? "tea" : "coffee",
              voter: createHash("sha256")
                .update(`${at % 4}`)
                .digest("base64url"),
              castAt: 1,
              ms: BigInt(1000 + at),
              seq: 0n,
              ...(at % 2 === 0 ? { n: keyProof(voteId, "key") } : {})
            }
          })
          const voteOf = (at: number) => all[at] ?? assert.fail()
          const count = (batch: ReadonlyArray<number>) =>
            batch.length === 0 ? Effect.void : ledger.count(VoteColumns.of(batch.map(voteOf)))
          const letterOf = (at: number) => Effect.map(letters.list({ voteId: voteOf(at).voteId }), ([letter]) => letter)
          yield* sequenceAll
          for (const step of steps) {
            if (step.do === "count")
              yield* Effect.all([count(step.one), count(step.other), sequenceAll], { concurrency: 3 })
            else if (step.do === "bury") {
              const { choice, ms, seq, voteId } = voteOf(step.vote)
              const entry = { stream: "votes", entryId: `${ms}-${seq}`, deliveries: 1n, fields: [] }
              yield* ledger.bury([{ voteId, poll, choice, ms, seq, reason: "it is bad", ...entry }])
            } else if (step.do === "replay" || step.do === "discard") {
              const letter = yield* letterOf(step.vote)
              if (letter === undefined) continue
              yield* step.do === "replay" ? letters.replay(letter, voteOf(step.vote)) : letters.discard(letter)
            } else if (step.do === "close") yield* polls.close(poll, 1000 + step.at)
            else if (step.do === "reopen") yield* polls.act(poll, "reopen", reopen(1000 + step.at))
            else if (step.do === "edit") yield* polls.act(poll, "edit", edit)
            else if (step.do === "finish") yield* finish(poll)
            else yield* Effect.all([sequenceAll, sequenceAll], { concurrency: 2 })
          }
          // With what waits in the queue.
          assert.deepStrictEqual((yield* checked(poll)).wrong, [])
          yield* polls.close(poll, 1000 + votes)
          yield* finish(poll)
          yield* sequenceAll
          assert.deepStrictEqual((yield* checked(poll)).wrong, [])
          const { fold, leaves, recounted } = yield* expectLogged(poll)
          const [row] = yield* sql<{ left: number }>`select count(*)::int as left from log_queue`
          assert.strictEqual(row?.left, 0)
          // Votes that came after a result stand behind it.
          const told = steps.some((step) => step.do === "finish")
            ? (fold.result?.ballots ?? recounted.ballots)
            : fold.result?.ballots
          assert.strictEqual(told, recounted.ballots)
          assert.isTrue(leaves.some((line) => line.includes('"t":"result"')))
          const proofs = leaves.filter((line) => line.includes('"n":'))
          for (const line of proofs) assert.isTrue(all.some((vote) => "n" in vote && line.includes(`"n":"${vote.n}"`)))
        })
    )
  }
)
