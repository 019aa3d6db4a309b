import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startApi, startConsumer, systemNode } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { expectCounted, makeSite, patiently, type Site, untilReady } from "./site.ts"

/** A vote's whole way, as a client sees it. */
const followVote = Effect.fnUntraced(function* (url: string, site: Site) {
  yield* untilReady(url)
  const { body, headers, status } = yield* vote(url, "cats")
  assert.strictEqual(status, 201)
  const { option, message, stream_id: streamId, vote_id: voteId, ...rest } = body
  assert.deepStrictEqual({ message, option, rest }, { message: "Vote recorded successfully", option: "cats", rest: {} })
  assert.match(`${voteId}`, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(`${streamId}`, /^\d+-\d+$/)
  assert.strictEqual(headers.location, `/api/votes/${voteId}?stream_id=${streamId}`)

  yield* patiently(
    Effect.gen(function* () {
      const receipt = yield* get(`${url}${headers.location}`)
      assert.deepInclude(receipt.body, { vote_id: voteId, status: "counted" })
    })
  )
  const { sql } = site
  const events = yield* sql`select vote_id, choice, status from vote_event`
  assert.deepStrictEqual(events, [{ vote_id: voteId, choice: "cats", status: "counted" }])
  const tally = yield* sql`select option, count from tally order by position`
  assert.deepStrictEqual(tally, [
    { option: "cats", count: 1n },
    { option: "dogs", count: 0n }
  ])
  yield* patiently(
    Effect.gen(function* () {
      const results = yield* get(`${url}/api/results`)
      assert.deepInclude(results.body, {
        poll: "cats-or-dogs",
        total_votes: 1,
        pending: 0,
        results: [
          { option: "cats", count: 1, percentage: 100 },
          { option: "dogs", count: 0, percentage: 0 }
        ]
      })
    })
  )
  yield* expectCounted(site, [{ voteId: `${voteId}`, streamId: `${streamId}` }])
})

const apart = Effect.fnUntraced(function* (node?: string) {
  const site = yield* makeSite()
  const options = { env: site.env, ...(node === undefined ? {} : { node }) }
  const [api] = yield* Effect.all([startApi("api", options), startConsumer(options)], { concurrency: "unbounded" })
  yield* followVote(api.url, site)
})

describe("the first start", () => {
  it.live.each([
    { given: {}, admin: "/admin  (needs ADMIN_TOKEN, which is not set)" },
    { given: { ADMIN_TOKEN: "a-token-of-this-test" }, admin: "/admin" }
  ])("names the pages, a vote and the results; admin: $admin", ({ admin, given }) =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const program = yield* startApi("all", { env: { ...site.env, ...given } })
      yield* program.says(/Ctrl-C/)
      const url = program.url.replace("127.0.0.1", "localhost")
      const lines = program.stdout().split("\n")
      for (const line of [
        `  tallykeep is ready at ${url}`,
        `  Page:     ${url}/`,
        `  Admin:    ${url}${admin}`,
        `  API:      ${url}/docs`,
        `  Vote:     curl -X POST ${url}/api/vote -H 'content-type: application/json' -d '{"option":"cats"}'`,
        `  Results:  curl ${url}/api/results`
      ]) {
        assert.include(lines, line)
      }
    })
  )

  it.live("warns once of a setting that is nearly right, and starts", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const program = yield* startApi("all", { env: { ...site.env, ADMIN_TOKN: "topsecret-topsecret" } })
      yield* program.says(/Ctrl-C/)
      const warned = program.stdout().match(/WARN.*ADMIN_TOKN is set, and is no setting; did you mean ADMIN_TOKEN\?/g)
      assert.lengthOf(warned ?? [], 1)
      assert.notInclude(program.stdout() + program.stderr(), "topsecret")
    })
  )
})

const other = systemNode()

describe("the first vote", () => {
  it.live("is counted by one program", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { url } = yield* startApi("all", { env: site.env })
      yield* followVote(url, site)
    })
  )

  it.live("is counted by an API and a consumer", () => apart())

  it.live.skipIf(other === undefined)(
    `is counted on the system's own Node (${other?.version ?? "none of 20 or newer on PATH"})`,
    () => apart(other?.path)
  )
})
