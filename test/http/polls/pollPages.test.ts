import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { makePollPages } from "../../../src/http/polls/PollPages.ts"
import { assertProblem, json, request } from "../../support/api.ts"
import { anotherProcess, asAdmin, createPoll, layerUncounted } from "../../support/pollsApi.ts"

interface Page {
  readonly polls: ReadonlyArray<{ readonly slug: string }>
  readonly next?: string
}

const pageAt = (query = "") =>
  Effect.map(request("GET", `/api/polls${query}`), (answer): Page => {
    assert.strictEqual(answer.status, 200, answer.body)
    return JSON.parse(answer.body)
  })

/** Makes polls of which each is newer than the one before. */
const fill = (count: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      insert into poll (slug, title, ballot, identity, results, listed, created_at)
      select 'p-' || n, 'Poll', 'open', 'anyone', 'live', true, now() - interval '1 day' + n * interval '1 second'
      from generate_series(1, ${count}::int) n`
  )

layer(layerUncounted(), { excludeTestServices: true })("GET /api/polls", (it) => {
  it.effect("has all polls in pages, the newest first, whatever is made meanwhile", () =>
    Effect.gen(function* () {
      yield* fill(1_500)
      const newest = yield* createPoll({ listed: true })
      const seen: Array<string> = []
      let pages = 0
      for (let query: string | undefined = ""; query !== undefined; pages++) {
        const { next, polls }: Page = yield* pageAt(query)
        seen.push(...polls.map(({ slug }) => slug))
        if (next !== undefined) assert.lengthOf(polls, 100)
        if (pages % 5 === 0) yield* createPoll({ listed: true })
        query = next === undefined ? undefined : `?cursor=${next}`
      }
      const expected = Array.from({ length: 1_500 }, (_, index) => `p-${1_500 - index}`)
      assert.sameMembers(seen, [newest, ...expected, defaultPoll.slug])
      assert.deepStrictEqual(
        seen.filter((slug) => slug.startsWith("p-")),
        expected
      )
      assert.lengthOf(seen, new Set(seen).size)
      assert.strictEqual(seen[0], newest)

      const first = yield* pageAt("?limit=1000")
      const second = yield* pageAt(`?limit=1000&cursor=${first.next}`)
      assert.deepStrictEqual([first.polls.length, second.next], [1_000, undefined])
      assert.includeMembers(
        [...first.polls, ...second.polls].map(({ slug }) => slug),
        seen
      )
    })
  )

  it.effect("says what is wrong with a query", () =>
    Effect.gen(function* () {
      for (const limit of ["0", "1001", "x", "", "-1", "1.5", "1e2", "%20", "99999999999"]) {
        const { errors, type } = assertProblem(yield* request("GET", `/api/polls?limit=${limit}`), 422)
        assert.strictEqual(type, "urn:tallykeep:problem:invalid-fields")
        assert.deepStrictEqual(errors, [{ pointer: "#/limit", detail: "must be a whole number from 1 to 1000" }])
      }
      const nowhere = Buffer.from("nowhere").toString("base64url")
      for (const cursor of ["!", "", "%00", nowhere, "A".repeat(2_000)]) {
        const { errors } = assertProblem(yield* request("GET", `/api/polls?cursor=${cursor}`), 422)
        assert.deepStrictEqual(errors, [{ pointer: "#/cursor", detail: "must be the `next` of a page" }])
      }
      const { errors } = assertProblem(yield* request("GET", "/api/polls?limit=0&cursor=!"), 422)
      assert.lengthOf(errors as ReadonlyArray<unknown>, 2)
      assertProblem(yield* request("GET", "/api/polls?limit=1&limit=2"), 400)
      assert.strictEqual((yield* request("GET", "/api/polls?other=1")).status, 200)
    })
  )

  it.effect("is kept for a moment, and is not sent again to who has it", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ listed: true })
      const answer = yield* request("GET", "/api/polls?limit=1")
      assert.deepInclude(answer.headers, { "cache-control": "public, max-age=2", "content-type": "application/json" })
      assert.strictEqual((json(answer) as unknown as Page).polls[0]?.slug, slug)
      const { etag = "" } = answer.headers
      const known = yield* request("GET", "/api/polls?limit=1", { headers: { "if-none-match": etag } })
      assert.deepStrictEqual([known.status, known.body, known.headers.etag], [304, "", etag])
      assert.strictEqual(known.headers["cache-control"], "public, max-age=2")
      yield* createPoll({ listed: true })
      const changed = yield* request("GET", "/api/polls?limit=1", { headers: { "if-none-match": etag } })
      assert.strictEqual(changed.status, 200)
      assert.notStrictEqual(changed.headers.etag, etag)
    })
  )

  it.effect(
    "goes on behind a poll that is archived meanwhile, and does not begin anew behind one that is deleted",
    () =>
      Effect.gen(function* () {
        for (const _ of [1, 2, 3]) yield* createPoll({ listed: true })
        for (const headers of [{}, asAdmin]) {
          const { next, polls } = json(yield* request("GET", "/api/polls?limit=2", { headers })) as unknown as Page
          const seen = polls.map(({ slug }) => slug)
          const goOn = request("GET", `/api/polls?limit=2&cursor=${next}`, { headers })
          const rest = yield* goOn
          const path = `/api/polls/${seen[1]}`
          yield* request("POST", `${path}/archive`, { headers: asAdmin })
          const behind = json(yield* goOn) as unknown as Page
          assert.deepStrictEqual(behind.polls, (json(rest) as unknown as Page).polls)
          assert.strictEqual((yield* request("DELETE", `${path}?slug=${seen[1]}`, { headers: asAdmin })).status, 204)
          const { errors } = assertProblem(yield* goOn, 422)
          assert.deepStrictEqual(errors, [{ pointer: "#/cursor", detail: "must be the `next` of a page" }])
        }
      })
  )

  it.effect("goes on at another process", () =>
    Effect.gen(function* () {
      const inOther = yield* anotherProcess()
      yield* inOther(pageAt())
      const [slug, next] = [yield* createPoll({ listed: true }), (yield* pageAt("?limit=1")).next]
      const { polls } = yield* inOther(pageAt(`?cursor=${next}`))
      assert.notInclude(
        polls.map((poll) => poll.slug),
        slug
      )
      assert.isNotEmpty(polls)
    }).pipe(Effect.scoped)
  )
})

describe("pages of polls", () => {
  const query = { limit: 100, after: undefined, text: "", status: undefined }

  it("are made once for each reading of the polls and each second", () => {
    const closing: Poll = { ...defaultPoll, closesMs: 5_500 }
    let polls: ReadonlyArray<Poll> = [closing]
    const pageOf = makePollPages({ all: () => polls })
    const page = pageOf(query, 5_000)
    assert.include(page.body, '"status":"open"')
    assert.strictEqual(pageOf(query, 5_499), page)
    assert.include(pageOf(query, 6_000).body, '"status":"counting"')
    const later = pageOf(query, 6_999)
    assert.strictEqual(pageOf(query, 7_000).etag, later.etag)
    polls = [{ ...closing, title: "Another" }]
    assert.include(pageOf(query, 7_001).body, "Another")
  })

  it("are right however many are asked for", () => {
    const polls = Array.from({ length: 300 }, (_, index) => ({ ...defaultPoll, slug: `p-${index}` }))
    const pageOf = makePollPages({ all: () => polls })
    for (const _ of [1, 2]) {
      for (const [index, { slug }] of polls.entries()) {
        const { polls: found } = JSON.parse(pageOf({ ...query, limit: 2, after: slug }, 0).body)
        assert.deepStrictEqual(
          found.map((poll: Poll) => poll.slug),
          polls.slice(index + 1, index + 3).map((poll) => poll.slug)
        )
      }
    }
  })
})
