import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { latestAcceptance } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { readLedger } from "../../src/ledger/LedgerBooks.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, day, tallyOf, voteIdAt } from "../support/votes.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** Deliveries of votes: by whom, accepted when, its id of the first or the second time, in which waves it comes. */
const Deliveries = Schema.Array(
  Schema.Struct({
    voter: upTo(3),
    acceptedAt: upTo(30),
    option: upTo(1),
    recent: upTo(1),
    wave: upTo(3),
    again: upTo(3)
  })
).check(Schema.isMaxLength(40))

const Ballot = Schema.Literals(["open", "once", "changeable"])

const options = ["tea", "coffee"]

let round = 0

layer(Layer.provideMerge(Partitions.layer, layerServers()), { excludeTestServices: true })(
  "dropping old votes",
  (it) => {
    it.effect.prop(
      "changes no result, whatever is voted before and after, but for votes that come when it is done",
      [Ballot, Deliveries, upTo(3)],
      ([ballot, deliveries, dropAfter]) =>
        Effect.gen(function* () {
          const ledger = yield* Ledger
          const partitions = yield* Partitions
          const acts = yield* PollActs
          const sql = yield* SqlClient.SqlClient
          const poll = yield* createPoll({ ballot, identity: ballot === "open" ? "anyone" : "token" })
          // Each round is later than the one before: what that dropped stays dropped.
          const old = Date.now() + ++round * 60 * day
          yield* partitions.extend(old + 40 * day, 28 * day)
          const votes = new Map(
            deliveries.map((one) => [`${one.voter}/${one.acceptedAt}`, { ...one, option: options[one.option] ?? "" }])
          )
          const ids = new Map([...votes].map(([key, { recent }]) => [key, voteIdAt(old + recent * 40 * day)]))
          const keyOf = ({ acceptedAt, voter }: { acceptedAt: number; voter: number }) => `${voter}/${acceptedAt}`
          const taken = new Set<string>()
          for (let wave = 0; wave < 4; wave++) {
            const keys = deliveries.filter((one) => one.wave === wave || one.again === wave).map(keyOf)
            const halves = [keys.slice(0, keys.length >> 1), keys.slice(keys.length >> 1)]
            const count = (half: ReadonlyArray<string>) =>
              ledger.count(
                VoteColumns.of(
                  half.flatMap((key) => {
                    const vote = votes.get(key)
                    if (vote === undefined) return []
                    return [
                      {
                        voteId: ids.get(key) ?? "",
                        poll,
                        choice: vote.option,
                        voter: Buffer.from(`${vote.voter}`).toString("base64url"),
                        castAt: 1,
                        ms: BigInt(old + vote.acceptedAt),
                        seq: BigInt(vote.voter)
                      }
                    ]
                  })
                )
              )
            yield* Effect.forEach(halves, (half) => (half.length === 0 ? Effect.void : count(half)), { concurrency: 2 })
            for (const key of keys) if (wave <= dropAfter || votes.get(key)?.recent === 1) taken.add(key)
            if (wave === dropAfter) yield* partitions.drop(old + 39 * day)
          }
          yield* acts.close(poll, Effect.succeed(old + 50 * day))

          const counted = [...taken].flatMap((key) => votes.get(key) ?? [])
          const winners =
            ballot === "open"
              ? counted
              : [0, 1, 2, 3].flatMap((voter) => {
                  const own = counted.filter((vote) => vote.voter === voter).sort((a, b) => a.acceptedAt - b.acceptedAt)
                  return own.slice(...(ballot === "once" ? [0, 1] : [-1]))
                })
          const expected = options.map((option) => [option, winners.filter((vote) => vote.option === option).length])
          assert.deepStrictEqual(yield* tallyOf(poll), Object.fromEntries(expected))
          const { differences, dropped, polls, rows } = yield* readLedger(latestAcceptance, [])
          assert.deepStrictEqual(differences, [])
          assert.strictEqual(
            (rows.counted ?? 0) + (dropped.counted ?? 0),
            polls.reduce((sum, { ledger }) => sum + ledger, 0)
          )
          const [entries] = yield* sql<{ votes: bigint }>`select (
          (select count(*) from vote_event where poll = ${poll}) +
          (select coalesce(sum(votes), 0) from ledger_archive where poll = ${poll}))::bigint as votes`
          assert.strictEqual(Number(entries?.votes), taken.size)
        })
    )
  }
)
