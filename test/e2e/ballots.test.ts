import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { PollDefinition } from "../../src/domain/PollDefinition.ts"
import { makeVoteId, parseEntryId } from "../../src/domain/Vote.ts"
import { kinds } from "../support/kinds.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { entriesDone, makeSite, patiently, type Site, untilReady } from "./site.ts"
import { type Accepted, castConflicting, castUntilClosed, createPollAt, pollsEnv, tokensAt } from "./voters.ts"

/** Between two votes of a connection, in ms. */
const pause = 5
const voters = 30
const each = 8

const definition = (slug: string, overrides: Partial<PollDefinition>): PollDefinition => ({
  slug,
  ...teaOrCoffee,
  ...overrides
})

/** Starts two APIs on a site. */
const startApis = Effect.fnUntraced(function* (site: Site) {
  const env = { ...site.env, ...pollsEnv, CLAIM_IDLE_MS: "300" }
  const apis = yield* Effect.forEach([1, 2], () => startApi("api", { env }), { concurrency: 2 })
  const urls = apis.map(({ url }) => url)
  yield* Effect.forEach(urls, (url) => untilReady(url))
  return { apis, env, urls, url: urls[0] ?? "" }
})

const isBefore = (one: string, other: string): boolean => {
  const [a, b] = [parseEntryId(one), parseEntryId(other)]
  if (a === undefined || b === undefined) return false
  return a.ms === b.ms ? a.seq < b.seq : a.ms < b.ms
}

/** Picks the first or the last of each voter's accepted votes, by acceptance. */
const deciding = (accepted: ReadonlyArray<Accepted>, ballot: "once" | "changeable"): ReadonlyArray<string> => {
  const byVoter = new Map<number, Accepted>()
  for (const vote of accepted) {
    const other = byVoter.get(vote.voter)
    if (other === undefined || isBefore(vote.streamId, other.streamId) === (ballot === "once")) {
      byVoter.set(vote.voter, vote)
    }
  }
  return [...byVoter.values()].map(({ voteId }) => voteId).sort()
}

/** Returns the votes of a poll that count. */
const countedIn = ({ sql }: Site, slug: string) =>
  Effect.map(
    sql<{
      id: string
    }>`select vote_id::text as id from vote where poll = ${slug} and status = 'counted' order by 1`,
    (rows) => rows.map(({ id }) => id)
  )

const expectAudited = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const audit = yield* launchProgram(["audit", "--json"], { env })
  assert.strictEqual((yield* audit.ended).code, 0, audit.stderr())
  assert.deepInclude(JSON.parse(audit.stdout()), { ok: true, pending: 0, missing: 0, tally_differences: [] })
})

describe("ballots", () => {
  it.live(
    "of every kind count once for each of many voters who vote over and over, while programs die and come",
    () =>
      Effect.gen(function* () {
        const site = yield* makeSite()
        const { apis, env, url, urls } = yield* startApis(site)
        const [killed, stopped] = yield* Effect.forEach([1, 2, 3], () => startConsumer({ env }), { concurrency: 3 })
        const polls = yield* Effect.forEach(["once", "changeable"] as const, (ballot) =>
          Effect.forEach(kinds, ({ rules, says }) =>
            Effect.gen(function* () {
              const slug = `${ballot}-${rules.kind}`
              yield* createPollAt(url, definition(slug, { ...rules, ballot, identity: "token" }))
              return { ballot, slug, says, tokens: yield* tokensAt(url, slug, voters) }
            })
          )
        ).pipe(Effect.map((made) => made.flat()))
        let done = 0
        const casting = yield* Effect.forEach(
          polls,
          (poll) =>
            Effect.map(castConflicting({ ...poll, urls, each, atOnce: 32, done: () => void done++ }), (cast) => ({
              ...poll,
              ...cast
            })),
          { concurrency: "unbounded" }
        ).pipe(Effect.forkChild)
        const untilDone = (part: number) =>
          patiently(Effect.sync(() => assert.isAtLeast(done, part * polls.length * voters * each)))
        yield* untilDone(0.2)
        killed?.signal("SIGKILL")
        yield* untilDone(0.4)
        apis[1]?.signal("SIGKILL")
        yield* untilDone(0.5)
        stopped?.signal("SIGTERM")
        yield* startConsumer({ env })
        urls[1] = (yield* startApi("api", { env })).url

        const cast = yield* Fiber.join(casting)
        yield* patiently(entriesDone(site))
        for (const { accepted, ballot, outcomes, slug } of cast) {
          const { "201": taken = 0, "409": refused = 0, ...others } = outcomes
          assert.deepStrictEqual(others, {})
          assert.strictEqual(taken + refused, voters * each)
          assert.isAtLeast(taken, voters)
          if (ballot === "changeable") assert.strictEqual(refused, 0)
          const expected = deciding(accepted, ballot)
          assert.lengthOf(expected, voters)
          assert.deepStrictEqual(yield* countedIn(site, slug), expected)
        }
        yield* expectAudited(env)
      }),
    240_000
  )

  it.live("in a burst at the closing time count up to it, by the stream's clock, and not after", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { env, url, urls } = yield* startApis(site)
      yield* Effect.forEach([1, 2, 3], () => startConsumer({ env }), { concurrency: 3 })
      // Late enough for a machine that stands still meanwhile.
      const closesMs = Date.now() + 5_000
      yield* createPollAt(url, definition("burst", { closes_at: new Date(closesMs).toISOString() }))
      const casting = yield* Effect.forkChild(castUntilClosed(urls, "burst", "tea", pause))
      // And one whose clock is slow: it takes votes as if the poll were still open.
      const slow = Effect.promise(async () => {
        let [appended, late] = [0, 0]
        while (late < 100) {
          const fields = ["v", "1", "poll", "burst", "option", "coffee", "cast_at", String(closesMs - 1)]
          const votes = Array.from({ length: 20 }, () =>
            site.redis.xadd(site.stream, "*", "vote_id", makeVoteId(), ...fields)
          )
          const ids = await Promise.all(votes)
          await sleep(pause)
          appended += ids.length
          late += ids.filter((id) => Number(id?.split("-")[0]) >= closesMs).length
        }
        return appended
      })
      const appended = yield* slow
      const receipts = yield* Fiber.join(casting)
      yield* patiently(entriesDone(site))
      const { sql } = site
      const [found] = yield* sql<Readonly<Record<"before" | "counted" | "after" | "wrong", bigint>>>`select
          count(*) filter (where accepted_ms < ${closesMs}) as before,
          count(*) filter (where status = 'counted') as counted,
          count(*) filter (where accepted_ms >= ${closesMs} and status = 'rejected') as after,
          count(*) filter (where (accepted_ms < ${closesMs}) <> (status = 'counted')) as wrong
          from vote where poll = 'burst'`
      const [before, after] = [Number(found?.before), Number(found?.after)]
      assert.deepInclude(found, { counted: BigInt(before), wrong: 0n })
      // A vote whose entry turned out to be too late has no receipt.
      assert.isAtLeast(before + after, receipts.length + appended)
      assert.isAbove(before, 0)
      assert.isAtLeast(after, 100)
      const counted = new Set(yield* countedIn(site, "burst"))
      assert.deepStrictEqual(
        receipts.filter(({ voteId }) => !counted.has(voteId)),
        []
      )
      yield* expectAudited(env)
    })
  )
})
