import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import * as plugins from "../../script/bundling.mjs"
import { startApi, startConsumer } from "../support/processes.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { get, vote } from "./call.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"
import { castAt, createPollAt, pollsEnv } from "./voters.ts"

const builds = {
  shipped: "dist",
  /** Without what script/bundling.mjs does to the program's parts. */
  plain: "dist-plain"
}

/** Starts both roles of a build, votes, and returns what it answered, but for what is never twice the same. */
const answersOf = Effect.fnUntraced(function* (folder: string) {
  const site = yield* makeSite()
  const options = {
    env: { ...site.env, ...pollsEnv },
    main: fileURLToPath(new URL(`../../${folder}/main.js`, import.meta.url))
  }
  const [api] = yield* Effect.all([startApi("api", options), startConsumer(options)], { concurrency: "unbounded" })
  yield* untilReady(api.url)
  const health = yield* get(`${api.url}/health`)
  const cast = yield* vote(api.url, "cats")
  const { stream_id: streamId, vote_id: voteId, ...receipt } = cast.body
  yield* expectCounted(site, [{ voteId: `${voteId}`, streamId: `${streamId}` }])
  const results = yield* patiently(
    Effect.gen(function* () {
      const { body } = yield* get(`${api.url}/api/results`)
      assert.deepInclude(body, { total_votes: 1, pending: 0 })
      return { ...body, last_updated: undefined }
    })
  )
  // In a thread, whose code is in a file of its own.
  yield* createPollAt(api.url, { slug: "lunch", ...teaOrCoffee, kind: "ranked" })
  yield* castAt(api.url, "lunch", { ranking: ["tea", "coffee"] })
  const rounds = yield* patiently(
    Effect.gen(function* () {
      const { body } = yield* get(`${api.url}/api/polls/lunch/results`)
      assert.deepInclude(body, { ballots: 1, winners: ["tea"] })
      return body.tabulation
    })
  )
  const description = yield* get(`${api.url}/openapi.json`)
  return {
    health: [health.status, health.body],
    vote: [cast.status, receipt],
    results,
    rounds,
    description: [description.status, description.body]
  }
})

describe("the bundler's rewriting", () => {
  it.live.each(Object.values(plugins).map((plugin) => ({ name: plugin.name, plugin })))(
    "fails the build where $name has nothing to do",
    ({ name, plugin }) =>
      Effect.gen(function* () {
        const stdin = { contents: "console.log()" }
        const error = yield* Effect.flip(
          Effect.tryPromise(() => build({ stdin, plugins: [plugin], write: false, logLevel: "silent" }))
        )
        assert.match(
          String(error.cause),
          new RegExp(`${name} of script/bundling.mjs did not find .*: is it still needed`)
        )
      })
  )
})

describe("the plain build", () => {
  it.live("answers as the one that is shipped", () =>
    Effect.gen(function* () {
      const shipped = yield* answersOf(builds.shipped)
      assert.strictEqual(shipped.vote[0], 201)
      assert.deepStrictEqual(yield* answersOf(builds.plain), shipped)
    })
  )
})
