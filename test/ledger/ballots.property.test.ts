import { createHash } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { partsOf } from "../../src/domain/ChoiceParts.ts"
import type { Rules } from "../../src/domain/Rules.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { tallyDifferences } from "../../src/ledger/TallyBooks.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/**
 * One delivery of a vote: who casts it, when it was accepted, in quarters of a ms, and in which batch it comes (two batches at once). So
 * many for so few voters that most batches have several votes of one.
 */
const Deliveries = Schema.Array(
  Schema.Struct({ voter: upTo(2), acceptedAt: upTo(27), choice: upTo(4), batch: upTo(3), again: upTo(3) })
).check(Schema.isMinLength(6), Schema.isMaxLength(40))

const msOf = (acceptedAt: number) => 1000 + (acceptedAt >> 2)

/** Rules of each kind, and choices in a poll for `a` or `b`. */
const kinds: ReadonlyArray<{ readonly rules: Rules; readonly choices: ReadonlyArray<string> }> = [
  { rules: { kind: "single" }, choices: ["a", "b", "-", "a", "b"] },
  { rules: { kind: "multiple", min: 1, max: 2 }, choices: ["a", "a+b", "b", "-", "a+b"] },
  { rules: { kind: "score", min: -5, max: 5, every: false }, choices: ["a:0", "a:-5,b:5", "b:5", "-", "b:0"] },
  { rules: { kind: "points", budget: 10, spendAll: false }, choices: ["a:3,b:7", "b:10", "a:1", "-", "b:7"] },
  {
    rules: { kind: "ranked", max: 2, method: "irv", seats: 1, tieBreak: "draw" },
    choices: ["a>b", "b", "b>a", "-", "a"]
  }
]

const Poll = Schema.Struct({
  ballot: Schema.Literals(["open", "once", "changeable"]),
  kind: upTo(kinds.length - 1),
  opens: Schema.NullOr(upTo(3)),
  closes: Schema.NullOr(upTo(6)),
  /** Beside which batch it is closed, and at which time. */
  closing: Schema.NullOr(Schema.Struct({ beside: upTo(3), at: upTo(7) }))
})

const voterHash = (voter: number) => createHash("sha256").update(`${voter}`).digest("base64url")
const options = ["a", "b"].map((id) => ({ id, label: id.toUpperCase() }))

/** Adds up numbers by name, without those that come to 0. */
const addUp = (numbers: ReadonlyArray<readonly [name: string, number: number]>) => {
  const sums = new Map<string, number>()
  for (const [name, number] of numbers) sums.set(name, (sums.get(name) ?? 0) + number)
  return Object.fromEntries([...sums].filter(([, sum]) => sum !== 0).sort())
}

layer(layerServers(), { excludeTestServices: true })("ballot rules", (it) => {
  it.effect.prop(
    "decide by acceptance alone, whatever order and batches the votes come in, whatever they say, and whenever the poll is closed",
    [Poll, Deliveries],
    ([{ ballot, closes, closing, kind, opens }, deliveries]) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger
        const acts = yield* PollActs
        const sql = yield* SqlClient.SqlClient
        const { choices = [], rules = { kind: "single" } as const } = kinds[kind] ?? {}
        const opensMs = opens === null ? undefined : 1000 + opens
        const closesMs = closes === null ? undefined : 1000 + Math.max(closes, (opens ?? -1) + 1)
        const poll = yield* createPoll({
          options,
          rules,
          abstain: true,
          ballot,
          identity: "browser",
          ...(opensMs === undefined ? {} : { opensMs }),
          ...(closesMs === undefined ? {} : { closesMs })
        })
        // One vote for each pair of a voter and a time.
        const votes = new Map(
          deliveries.map(({ acceptedAt, choice, voter }) => [
            `${voter}/${acceptedAt}`,
            { voter, acceptedAt, choice: choices[choice] ?? "a", voteId: makeVoteId() }
          ])
        )
        const entryOf = ({ acceptedAt, voter }: { acceptedAt: number; voter: number }) => {
          const vote = votes.get(`${voter}/${acceptedAt}`)
          return {
            voteId: vote?.voteId ?? "",
            poll,
            choice: vote?.choice ?? "",
            voter: voterHash(voter),
            castAt: 1,
            ms: BigInt(msOf(acceptedAt)),
            seq: BigInt(acceptedAt & 3)
          }
        }
        for (let batch = 0; batch < 4; batch += 2) {
          const both = [batch, batch + 1].map((number) =>
            deliveries.filter((delivery) => delivery.batch === number || delivery.again === number).map(entryOf)
          )
          const counting = both.map((entries) =>
            entries.length === 0 ? Effect.void : ledger.count(VoteColumns.of(entries))
          )
          const isClosed = closing !== null && closing.beside >> 1 === batch >> 1
          const closed = isClosed ? [acts.close(poll, Effect.succeed(1000 + closing.at))] : []
          yield* Effect.all([...counting, ...closed], { concurrency: "unbounded", discard: true })
        }

        const until = Math.min(closesMs ?? 9999, closing === null ? 9999 : 1000 + closing.at)
        const inTime = [...votes.values()].filter(
          ({ acceptedAt }) => msOf(acceptedAt) >= (opensMs ?? 0) && msOf(acceptedAt) < until
        )
        const winners = new Set(
          [0, 1, 2].flatMap((voter) => {
            const own = inTime.filter((vote) => vote.voter === voter).sort((a, b) => a.acceptedAt - b.acceptedAt)
            const winning = ballot === "open" ? own : ballot === "once" ? own.slice(0, 1) : own.slice(-1)
            return winning.map(({ voteId }) => voteId)
          })
        )
        const rows = yield* sql<{ id: string; status: string }>`
          select vote_id as id, status from vote where poll = ${poll}`
        assert.strictEqual(rows.length, votes.size)
        for (const { id, status } of rows) {
          const late = !inTime.some(({ voteId }) => voteId === id)
          const other = late || ballot === "once" ? "rejected" : "superseded"
          assert.strictEqual(status, winners.has(id) ? "counted" : other)
        }

        if (ballot !== "open") {
          const ballots = yield* sql<{ id: string }>`select vote_id as id from ballot where poll = ${poll}`
          assert.sameMembers(
            ballots.map(({ id }) => id),
            [...winners]
          )
        }

        // Nor does the audit find anything.
        const amiss = (yield* tallyDifferences).filter((difference) => difference.poll === poll)
        assert.deepStrictEqual(amiss, [])

        const counted = [...votes.values()].filter(({ voteId }) => winners.has(voteId)).map(({ choice }) => choice)
        const choosing = { options, rules, abstain: true }
        const parts = counted.flatMap((choice) => {
          const said = partsOf(choosing, choice) ?? assert.fail(`${choice} is no choice`)
          return rules.kind === "ranked" ? said.slice(0, 1) : said
        })
        const hasSums = rules.kind === "score" || rules.kind === "points"
        const byName = (table: "choice_tally" | "tally" | "score_tally", name: string, number: string) =>
          Effect.map(
            sql.unsafe<{ name: string; number: string }>(
              `select ${name} as name, ${number}::text as number from ${table} where poll = $1 and ${number} <> 0`,
              [poll]
            ),
            (all) => addUp(all.map((row) => [row.name, Number(row.number)]))
          )
        assert.deepStrictEqual(
          {
            choices: yield* byName("choice_tally", "choice", "count"),
            counts: yield* byName("tally", "option", "count"),
            sums: yield* byName("tally", "option", "sum"),
            scores: yield* byName("score_tally", "option || ':' || score", "count")
          },
          {
            choices: addUp(counted.map((choice) => [choice, 1])),
            counts: addUp(parts.map(({ option }) => [option, 1])),
            sums: addUp(hasSums ? parts.map(({ option, value }) => [option, value]) : []),
            scores: addUp(rules.kind === "score" ? parts.map(({ option, value }) => [`${option}:${value}`, 1]) : [])
          }
        )
      })
  )
})
