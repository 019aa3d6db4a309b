import { createHash } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { parseLeaf } from "../../src/domain/log/ParseLeaf.ts"
import { rulesOf } from "../../src/domain/Rules.ts"
import { RankingsBuilder } from "../../src/domain/tabulation/RankingsBuilder.ts"
import { tabulate } from "../../src/domain/tabulation/Tabulate.ts"
import { drawOrder } from "../../src/domain/tabulation/Ties.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type Outcome, PollActs } from "../../src/ledger/PollActs.ts"
import type { Current } from "../../src/ledger/PollChange.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { Tabulations } from "../../src/ledger/Tabulations.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { keyProof } from "../../src/stream/VoteEntry.ts"
import { checked, expectLogged, layerLogs, readLeaves, sequenceAll } from "../support/logs.ts"
import { layerServers } from "../support/servers.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"
import { createPoll, voteAt } from "../support/votes.ts"

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
  results: Schema.Literals(["live", "after_close"]),
  isRanked: Schema.Boolean
})

const ranked = rulesOf({ kind: "ranked", options: teaOrCoffeePoll.options })

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

layer(Layer.provideMerge(Layer.mergeAll(layerLogs, DeadLetters.layer, Tabulations.layer), layerServers()), {
  excludeTestServices: true
})("public logs", (it) => {
  it.effect.prop(
    "come to what the ledger comes to, whatever becomes of the votes, and whoever writes when",
    [Poll, Steps],
    ([{ ballot, identity, isRanked, results }, steps]) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger
        const letters = yield* DeadLetters
        const polls = yield* PollActs
        const sql = yield* SqlClient.SqlClient
        const poll = yield* createPoll({
          ballot,
          identity: ballot === "open" ? identity : "browser",
          results,
          abstain: true,
          ...(isRanked ? { rules: ranked } : {})
        })
        const all = Array.from({ length: votes }, (_, at) => {
          const voteId = makeVoteId()
          return {
            voteId,
            poll,
            choice: at === 5 ? "-" : at % 3 === 0 ? "tea" : "coffee",
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
          } else if (step.do === "close") yield* polls.close(poll, Effect.succeed(1000 + step.at))
          else if (step.do === "reopen") yield* polls.act(poll, "reopen", reopen(1000 + step.at))
          else if (step.do === "edit") yield* polls.act(poll, "edit", edit)
          else if (step.do === "finish") yield* finish(poll)
          else yield* Effect.all([sequenceAll, sequenceAll], { concurrency: 2 })
        }
        // With what waits in the queue.
        assert.deepStrictEqual((yield* checked(poll)).wrong, [])
        yield* polls.close(poll, Effect.succeed(1000 + votes))
        yield* finish(poll)
        yield* sequenceAll
        assert.deepStrictEqual((yield* checked(poll)).wrong, [])
        const { fold, leaves, recounted } = yield* expectLogged(poll)
        const [row] = yield* sql<{ left: number }>`select count(*)::int as left from log_queue`
        assert.strictEqual(row?.left, 0)
        // Votes that came after a result stand behind it.
        if (fold.result !== undefined || !steps.some((step) => step.do === "finish")) {
          const { abstained, ballots, options } = recounted
          const counts = options.map(({ count, id }) => ({ id, count }))
          assert.deepInclude(fold.result, { ballots, abstained, options: counts })
        }
        assert.isTrue(leaves.some((line) => line.includes('"t":"result"')))
        const proofs = leaves.filter((line) => line.includes('"n":'))
        for (const line of proofs) assert.isTrue(all.some((vote) => "n" in vote && line.includes(`"n":"${vote.n}"`)))
      })
  )

  it.effect("are told of each vote what it came to, whatever else is in its batch", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const sql = yield* SqlClient.SqlClient
      const once = yield* createPoll({ ballot: "once", identity: "browser" })
      const changeable = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const timed = yield* createPoll({ opensMs: 1001, closesMs: 1005 })
      const unlogged = yield* createPoll()
      yield* sql`update poll set log = false where slug = ${unlogged}`
      // A voter has a vote in each poll.
      const [first, latest] = [voteAt(1001, once, "tea", "ann"), voteAt(1001, changeable, "tea", "ann")]
      yield* ledger.count(VoteColumns.of([first, latest]))
      yield* sql`delete from log_queue`
      const told = [
        ["counted", voteAt(1000, once, "coffee", "ann")],
        ["rejected", voteAt(1002, once, "tea", "ann")],
        ["counted", voteAt(1002, once, "tea", "cid")],
        ["superseded", voteAt(1000, changeable, "coffee", "ann")],
        ["counted", voteAt(1003, changeable, "coffee", "ann")],
        ["rejected", voteAt(1000, timed, "tea")],
        ["counted", voteAt(1004, timed, "tea")],
        ["rejected", voteAt(1005, timed, "coffee")]
      ] as const
      const keyless = [
        ["counted", voteAt(1003, timed, "tea")],
        ["rejected", voteAt(1005, timed, "tea")],
        ["rejected", voteAt(1006, timed, "tea")],
        ["rejected", voteAt(1006, timed, "coffee")],
        ["counted", voteAt(1002, timed, "coffee")]
      ] as const
      const votes = told.map(([, vote], index) =>
        index % 2 === 0 ? { ...vote, n: keyProof(vote.voteId, "key") } : vote
      )
      const others = [latest, voteAt(1001, unlogged, "tea"), voteAt(1001, timed, "milk"), voteAt(1001, "none", "tea")]
      const dead = [unlogged, timed, once].map((poll) => ({
        ...voteAt(1002, poll, "milk"),
        ...{ reason: "no choice", stream: "votes", entryId: "1002-0", deliveries: 1n, fields: [] }
      }))
      const rows = sql<{ kind: string; poll: string; choice: string | null; id: string; n: string | null }>`
        select q.kind, q.polls[coalesce(q.numbers[at], at)] as poll, q.choices[coalesce(q.numbers[at], at)] as choice,
          q.vote_ids[at]::text as id, coalesce(
            rtrim(translate(encode(uuid_send(q.proofs[at]), 'base64'), '+/', '-_'), '='),
            case when q.proofs is not null then 'missing' end
          ) as n
        from log_queue q, generate_subscripts(q.vote_ids, 1) as at`
      const none = "A".repeat(22)
      const expected = [
        ...told.map(([kind, { choice, poll, voteId }], index) => ({
          ...{ kind, poll, choice, id: voteId },
          n: index % 2 === 0 ? keyProof(voteId, "key") : none
        })),
        ...keyless.map(([kind, { choice, poll, voteId }]) => ({ kind, poll, choice, id: voteId, n: null })),
        // Whose places others have taken.
        { kind: "rejected", poll: once, choice: null, id: first.voteId, n: null },
        { kind: "superseded", poll: changeable, choice: null, id: latest.voteId, n: null },
        ...dead.slice(1).map(({ poll, voteId }) => ({ kind: "dead", poll, choice: null, id: voteId, n: null }))
      ]
      const sorted = <A extends { readonly id: string }>(list: ReadonlyArray<A>) =>
        [...list].sort((a, b) => (a.id < b.id ? -1 : 1))
      yield* ledger.count(VoteColumns.of([...others, ...votes, ...votes.slice(2, 4)]))
      const keylessVotes = keyless.map(([, vote]) => vote)
      yield* ledger.count(VoteColumns.of(keylessVotes.slice(0, 4)))
      yield* ledger.count(VoteColumns.of([voteAt(1001, unlogged, "tea"), ...keylessVotes.slice(4)]))
      yield* ledger.bury(dead)
      assert.deepStrictEqual(sorted(yield* rows), sorted(expected))
      yield* (yield* PollActs).close(unlogged, Effect.succeed(1010))
      assert.isEmpty(yield* sql`select kind from log_queue where ${unlogged} = all (polls)`)
    })
  )

  it.effect("have new seeds for a poll that is reopened, so that nobody could vote for what a draw will say", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const polls = yield* PollActs
      const tabulations = yield* Tabulations
      const poll = yield* createPoll({ rules: ranked, results: "after_close" })
      const votesAt = (ms: number) => [voteAt(ms, poll, "tea>coffee"), voteAt(ms + 1, poll, "coffee>tea")]

      /** Ends the poll in a tie; returns the draw's seed and who was drawn. */
      const end = Effect.fnUntraced(function* (ms: number) {
        yield* ledger.count(VoteColumns.of(votesAt(ms)))
        yield* polls.close(poll, Effect.succeed(ms + 10))
        const before = yield* tabulations.read(
          poll,
          () => Effect.void,
          () => Effect.void
        )
        assert.isTrue(yield* (yield* PollStore).finish(poll, ms + 10))
        const ballots = new RankingsBuilder(teaOrCoffeePoll.options.map(({ id }) => id))
        const { rules } = yield* tabulations.read(
          poll,
          () => Effect.void,
          (page) =>
            Effect.sync(() => {
              for (const [, choice = "", count] of Buffer.from(page)
                .toString()
                .matchAll(/(\S+) (\d+)/g))
                ballots.add(choice, Number(count))
            })
        )
        // What is known of the seed from the start, until the end.
        const hash = createHash("sha256").update(rules.tieSeed).digest()
        assert.deepStrictEqual(Buffer.from(before.rules.tieSeed), hash)
        return tabulate(rules, ballots.build())
      })
      const drawn = [yield* end(1000)]
      // Before any of it is in the log.
      yield* polls.act(poll, "reopen", reopen(1020))
      assert.notProperty(yield* polls.find(poll), "tieSeed")
      drawn.push(yield* end(1030))
      yield* sequenceAll
      const leaves = (yield* readLeaves(poll)).map((line) => parseLeaf(line) ?? assert.fail(line))
      const told = leaves.flatMap((leaf) => ("t" in leaf && leaf.t === "open" ? [leaf] : []))
      for (const [index, { tie_seed: seed = "" }] of told.entries()) {
        const order = drawOrder(Buffer.from(seed, "hex"), ["tea", "coffee"])
        assert.deepStrictEqual(drawn[index]?.elected, order.slice(0, 1))
      }
      assert.strictEqual(told.length, 2)
      assert.strictEqual(new Set(told.flatMap(({ seed, tie_seed }) => [seed, tie_seed])).size, 4)
      assert.strictEqual((yield* expectLogged(poll)).fold.tieSeed, told[1]?.tie_seed)
    })
  )
})
