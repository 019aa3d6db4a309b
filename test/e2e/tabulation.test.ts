import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Results } from "../../src/domain/Tally.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { get } from "./call.ts"
import { holdTable } from "./hold.ts"
import { makeSite, patiently, type Site, untilReady } from "./site.ts"
import { castAt, createPollAt, pollsEnv } from "./voters.ts"

const slug = "lunch"

/** A site with a ranked poll that has a vote. */
const makePoll = Effect.gen(function* () {
  const site = yield* makeSite()
  const env = { ...site.env, ...pollsEnv }
  const { url } = yield* startApi("api", { env })
  yield* untilReady(url)
  yield* createPollAt(url, { slug, ...teaOrCoffee, kind: "ranked" })
  return { site, env, url }
})

const untilBallots = (url: string, ballots: number) =>
  patiently(
    Effect.map(get(`${url}/api/polls/${slug}/results`), ({ body }) => assert.strictEqual(body.ballots, ballots))
  )

/** Waits until the results have the rounds of so many ballots. */
const untilTabulated = (url: string, ballots: number) =>
  patiently(
    Effect.gen(function* () {
      const { body } = yield* get(`${url}/api/polls/${slug}/results`)
      const { revision, tabulation } = body as unknown as Results
      assert.deepInclude(tabulation, { ballots, revision })
    })
  )

interface Held {
  readonly holder: string | null
  readonly seconds: number
}

/** Who tabulates the poll, and for how long nobody else does. */
const heldOf = ({ sql }: Site) =>
  Effect.map(
    sql<Held>`select holder::text, extract(epoch from held_until - clock_timestamp())::float8 as seconds
      from tabulation where poll = ${slug}`,
    ([held]) => held ?? assert.fail("nobody has begun")
  )

/** Waits until somebody is in the middle of a tabulation: the rankings can't be read for now. */
const untilHeld = (site: Site) =>
  patiently(
    Effect.gen(function* () {
      const held = yield* heldOf(site)
      assert.isNotNull(held.holder)
      const [waiting] = yield* site.sql<{ count: bigint }>`select count(*) as count from pg_locks
        where relation = 'choice_tally'::regclass and not granted`
      assert.isAbove(Number(waiting?.count), 0)
      return held
    })
  )

describe("a consumer that goes away while it tabulates", () => {
  it.live("is replaced by another one, at once where it was stopped, and after its lease where it was killed", () =>
    Effect.gen(function* () {
      const { env, site, url } = yield* makePoll
      const stopped = yield* startConsumer({ env })
      yield* castAt(url, slug, { ranking: ["tea"] })
      yield* untilTabulated(url, 1)
      yield* castAt(url, slug, { ranking: ["coffee", "tea"] })
      yield* untilBallots(url, 2)
      const rankings = yield* holdTable(site, "choice_tally")
      yield* site.sql`update poll set revision = revision + 1 where slug = ${slug}`
      yield* site.sql`update tabulation set due_at = '-infinity' where poll = ${slug}`
      yield* untilHeld(site)
      stopped.signal("SIGTERM")
      assert.deepStrictEqual(yield* stopped.ended, { code: 0, signal: null })
      assert.isNull((yield* heldOf(site)).holder, "it has given the poll back")

      const killed = yield* startConsumer({ env })
      const { seconds } = yield* untilHeld(site)
      assert.isAtMost(seconds, 15)
      killed.signal("SIGKILL")
      yield* killed.ended
      yield* rankings.release
      // However long the machine takes to start another one.
      yield* site.sql`update tabulation set held_until = clock_timestamp() + interval '1 hour' where poll = ${slug}`
      const left = yield* startConsumer({ env })
      assert.isNotNull((yield* heldOf(site)).holder, "nobody knows that it is gone")
      // And then the lease is over.
      yield* site.sql`update tabulation set held_until = clock_timestamp() where poll = ${slug}`
      yield* untilTabulated(url, 2)

      // What can't be tabulated is told and tried again, and votes are counted meanwhile.
      yield* site.sql`insert into choice_tally (poll, choice, count) values (${slug}, 'no-option', 1)`
      yield* castAt(url, slug, { ranking: ["tea"] })
      yield* left.says(/The tabulation of a ranked poll has failed.*/)
      yield* left.says(/the choice no-option names what is no option of the poll/)
      yield* left.says(/poll[^\n]*lunch/)
      yield* castAt(url, slug, { ranking: ["tea"] })
      yield* untilBallots(url, 4)
      yield* site.sql`delete from choice_tally where poll = ${slug} and choice = 'no-option'`
      yield* site.sql`update tabulation set held_until = clock_timestamp() where poll = ${slug}`
      yield* untilTabulated(url, 4)
    })
  )
})
