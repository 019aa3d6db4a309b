import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { PollDefinition } from "../../src/domain/PollDefinition.ts"
import type { Results } from "../../src/domain/Tally.ts"
import { castOn } from "../support/casting.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import type { Ballots } from "../support/ranked.ts"
import { count } from "../support/rankings.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { openWireTo } from "../support/wire.ts"
import { get } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"
import { closePollAt, createPollAt, pollsEnv } from "./voters.ts"

interface Election {
  readonly options: PollDefinition["options"]
  readonly ballots: Ballots
  readonly known: { readonly irv: string; readonly irv_last_round: object; readonly stv: ReadonlyArray<string> }
}

const election = (name: string): Election =>
  JSON.parse(readFileSync(new URL(`../data/elections/${name}.json`, import.meta.url), "utf8"))

/** The rounds that the file's ballots come to, which are held to what is known of each election by the tests of the methods. */
const roundsOf = ({ ballots, options }: Election, rules: Parameters<typeof count>[2]) =>
  count(
    options.map(({ id }) => id),
    ballots.map(([many, ranking]) => [many, ranking.join(">")]),
    rules
  ).rounds

/** How many connections cast an election's ballots. */
const connections = 4

const site = Effect.gen(function* () {
  const { env } = yield* makeSite()
  const [api] = yield* Effect.all(
    [startApi("api", { env: { ...env, ...pollsEnv } }), startConsumer({ env: { ...env, ...pollsEnv } })],
    { concurrency: 2 }
  )
  yield* untilReady(api.url)
  return api.url
})

/** Casts all ballots of an election in a poll with these rules, closes it, and returns its final results. */
const hold = Effect.fnUntraced(function* (url: string, slug: string, rules: Partial<PollDefinition>, held: Election) {
  yield* createPollAt(url, { slug, ...teaOrCoffee, kind: "ranked", options: held.options, ...rules })
  const bodies = held.ballots.flatMap(([count, ranking]) => Array.from({ length: count }, () => ({ ranking })))
  const share = Math.ceil(bodies.length / connections)
  yield* Effect.forEach(
    Array.from({ length: connections }, (_, index) => bodies.slice(index * share, (index + 1) * share)),
    (some) => Effect.flatMap(openWireTo(Number(new URL(url).port)), (wire) => castOn(wire, slug, some)),
    { concurrency: connections }
  ).pipe(Effect.scoped)
  yield* closePollAt(url, slug)
  return yield* patiently(
    Effect.gen(function* () {
      const results = (yield* get(`${url}/api/polls/${slug}/results`)).body as unknown as Results
      assert.deepInclude(results, { status: "final", ballots: bodies.length, tie: false })
      assert.strictEqual(results.tabulation?.revision, results.revision)
      return results
    })
  )
})

describe("all ballots of a real election, cast over HTTP, give the known results", () => {
  it.live(
    "in Burlington in 2009 and in Minneapolis in 2013",
    () =>
      Effect.gen(function* () {
        const url = yield* site
        const burlington = election("burlington-2009")
        const mayor = yield* hold(url, "mayor", { method: "irv" }, burlington)
        assert.deepStrictEqual(mayor.winners, [burlington.known.irv])
        assert.deepStrictEqual(mayor.tabulation?.rounds, roundsOf(burlington, { method: "irv" }))
        const last = mayor.tabulation?.rounds.at(-1)?.votes.map(({ option, votes }) => [option, votes]) ?? []
        assert.deepStrictEqual(Object.fromEntries(last), burlington.known.irv_last_round)

        const minneapolis = election("minneapolis-park-2013")
        const parks = yield* hold(url, "parks", { method: "stv", seats: 3 }, minneapolis)
        assert.deepStrictEqual(parks.tabulation?.elected, minneapolis.known.stv)
        assert.sameMembers([...parks.winners], [...minneapolis.known.stv])
        assert.deepStrictEqual(parks.tabulation?.rounds, roundsOf(minneapolis, { method: "stv", seats: 3 }))
      }),
    240_000
  )
})
