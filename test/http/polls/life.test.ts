import type { OutgoingHttpHeaders } from "node:http"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { audit } from "../../../src/cli/AuditCommand.ts"
import { LogQueue } from "../../../src/ledger/LogQueue.ts"
import { PollActs } from "../../../src/ledger/PollActs.ts"
import { StreamSettings } from "../../../src/stream/StreamSettings.ts"
import { assertProblem, json, request, until } from "../../support/api.ts"
import { openEvents } from "../../support/events.ts"
import {
  anotherProcess,
  asAdmin,
  closePoll,
  createPoll,
  layerPollsApi,
  post,
  statusOf,
  untilCounted,
  untilFinal,
  voteIn
} from "../../support/pollsApi.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { eventually } from "../../support/servers.ts"

const send = (method: string, path: string, body: unknown, headers: OutgoingHttpHeaders = {}) =>
  request(method, `/api/polls/${path}`, {
    headers: { ...asAdmin, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })

const patch = (slug: string, body: unknown, ifMatch = "*") => send("PATCH", slug, body, { "if-match": ifMatch })
const act = (slug: string, what: string, body?: unknown) => send("POST", `${slug}/${what}`, body)
const remove = (slug: string) => send("DELETE", `${slug}?slug=${slug}`, undefined)
const shown = (slug: string) => Effect.map(request("GET", `/api/polls/${slug}`, { headers: asAdmin }), json)
const done = (answer: { readonly status: number; readonly body: string }) =>
  assert.include([200, 201, 204], answer.status, answer.body)
const problem = (answer: Parameters<typeof assertProblem>[0], status: number) =>
  String(assertProblem(answer, status).detail)
/** Waits until all is counted, and asserts that every entry and every tally is accounted for. */
const auditLedger = eventually(
  Effect.gen(function* () {
    const { group, shards, stream } = yield* StreamSettings
    const { report } = yield* audit({ consumerGroup: group, streamName: stream, streamShards: shards })
    assert.deepInclude(report, { ok: true, pending: 0, missing: 0, tally_differences: [] })
  })
)

const inOne = {
  options: [
    { id: "tea", label: "Tea" },
    { id: "milk", label: "Milk" }
  ]
}

const layerPages = withPublicFolder((folder) => layerPollsApi({}, folder))

layer(layerPages, { excludeTestServices: true })("the life of a poll", (it) => {
  it.effect("is a draft's first, which only its organiser sees", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ draft: true, listed: true })
      assert.strictEqual((yield* shown(slug)).status, "draft")
      for (const path of [
        `/api/polls/${slug}`,
        `/api/polls/${slug}/results`,
        `/polls/${slug}`,
        `/api/polls/${slug}/results/stream`
      ]) {
        assert.strictEqual((yield* request("GET", path)).status, 404, path)
      }
      assertProblem(yield* voteIn(slug, "tea"), 404)
      done(yield* patch(slug, { ...inOne, ballot: "once", identity: "browser" }))
      done(yield* patch(slug, { draft: false }))
      assert.strictEqual((yield* shown(slug)).status, "open")
      assert.strictEqual((yield* voteIn(slug, "milk")).status, 201)
      const { polls } = json(yield* request("GET", "/api/polls")) as { polls: ReadonlyArray<{ slug: string }> }
      assert.strictEqual(polls[0]?.slug, slug)
    })
  )

  it.effect("changes by the version that an edit is based on, and says what it was", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      problem(yield* send("PATCH", slug, { title: "A" }), 428)
      const [one, two] = yield* Effect.all(
        [patch(slug, { title: "A" }, '"1"'), patch(slug, { title: "B" }, 'W/"0", "1"')],
        {
          concurrency: 2
        }
      )
      assert.sameMembers([one.status, two.status], [200, 412])
      assert.strictEqual((one.status === 200 ? one : two).headers.etag, '"2"')
      // What changes nothing makes nobody's version stale.
      const { options, title } = yield* shown(slug)
      for (const same of [{}, { title, options, description: null, closes_at: null, listed: false, archived: false }]) {
        const unchanged = yield* patch(slug, same, '"2"')
        assert.deepStrictEqual([unchanged.status, unchanged.headers.etag], [200, '"2"'], unchanged.body)
      }
      assert.strictEqual((yield* act(slug, "reopen", {})).headers.etag, '"2"')
      assert.isUndefined((yield* shown(slug)).edited_at)
      const { events } = json(yield* request("GET", `/api/polls/${slug}/events`, { headers: asAdmin })) as {
        events: ReadonlyArray<{ what: string; who: string; before: { title: string } | null; after: { title: string } }>
      }
      assert.deepStrictEqual(
        events.map(({ what, who }) => [what, who]),
        [
          ["edit", "admin"],
          ["create", "admin"]
        ]
      )
      assert.deepStrictEqual([events[0]?.before?.title, events[1]?.before], ["Tea or coffee?", null])
      assert.include(["A", "B"], events[0]?.after.title)
      for (const [body, pointer] of [
        [{ title: " " }, "#/title"],
        [{ options: [{ id: "a", label: "A" }] }, "#/options"],
        [{ ballot: "once" }, "#/identity"],
        [{ kind: "points" }, "#/budget"],
        [{ closes_at: "2001-01-01T00:00:00Z" }, "#/closes_at"],
        [{ draft: true }, "#/draft"],
        [{ slug: "other" }, "#/slug"]
      ] as const) {
        const { errors } = assertProblem(yield* patch(slug, body), 422)
        assert.include(JSON.stringify(errors), `"${pointer}"`)
      }
      assertProblem(yield* patch("nowhere", { title: "A" }), 404)
      assert.strictEqual((yield* request("PATCH", `/api/polls/${slug}`)).status, 401)
    })
  )

  it.effect("changes in whole until its first vote, then in what voters read, and towards more open", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_close" })
      const inOther = yield* anotherProcess()
      const changed = yield* patch(slug, { ...inOne, kind: "multiple", max: 2 })
      done(changed)
      // It is closed for a moment, for those who have not heard of it.
      assert.strictEqual(json(changed).status, "upcoming")
      const early = yield* post(`/api/polls/${slug}/votes`, { options: ["tea"] })
      assert.match(problem(early, 409), /^The poll is being changed: try again in \d+ s$/)
      assert.include(early.body, "poll-not-open")
      assert.isAtLeast(Number(early.headers["retry-after"]), 1)
      const html = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" }
      const sent = yield* request("POST", `/polls/${slug}`, { headers: html, body: "key=early&options=milk" })
      assert.include(sent.body, "your vote was not taken. Please send it again in a few seconds")
      for (const page of [sent, yield* request("GET", `/polls/${slug}`)]) {
        assert.include(page.body, "Being changed</span>")
        assert.include(page.body, "It goes on in ")
      }
      done(yield* patch(slug, { kind: "single" }))
      // As if that moment were over.
      const sql = yield* SqlClient.SqlClient
      yield* sql`update poll set shut = null where slug = ${slug}`
      done(yield* patch(slug, { title: "Tea or milk?" }))
      yield* eventually(Effect.map(voteIn(slug, "milk"), ({ status }) => assert.strictEqual(status, 201)))
      yield* eventually(
        Effect.gen(function* () {
          const results = json(yield* request("GET", `/api/polls/${slug}/results`, { headers: asAdmin }))
          assert.strictEqual(results.total_votes, 1)
        })
      )

      for (const [body, field] of [
        [{ options: [...inOne.options, { id: "x", label: "X" }] }, "options"],
        [{ kind: "ranked" }, "kind"],
        [{ identity: "browser" }, "identity"],
        [{ opens_at: "2026-01-01T00:00:00Z" }, "opens_at"]
      ] as const) {
        assert.include(problem(yield* patch(slug, body), 409), field)
      }
      assert.strictEqual((yield* shown(slug)).status, "open", "a vain try closes nothing")
      done(
        yield* patch(slug, {
          options: [
            { id: "tea", label: "Green tea" },
            { id: "milk", label: "Milk" }
          ]
        })
      )
      const edited = yield* shown(slug)
      assert.isString(edited.edited_at)
      assert.include(JSON.stringify(edited.options), "Green tea")
      yield* inOther(
        eventually(Effect.map(request("GET", `/api/polls/${slug}`), ({ body }) => assert.include(body, "Green tea")))
      )
      const { body } = yield* request("GET", `/polls/${slug}`)
      assert.include(body, "Green tea")
      assert.include(body, "Edited on")
      done(yield* patch(slug, { results: "live" }))
      assert.include(problem(yield* patch(slug, { results: "after_close" }), 409), "results")
      yield* auditLedger
    }).pipe(Effect.scoped)
  )

  it.effect("decides between the first vote and an edit of the options, one way or the other", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 4; round++) {
        const slug = yield* createPoll()
        const [vote, edited] = yield* Effect.all(
          [Effect.delay(voteIn(slug, "coffee"), `${round * 8} millis`), Effect.delay(patch(slug, inOne), "8 millis")],
          { concurrency: 2 }
        )
        if (vote.status === 201) {
          assert.deepStrictEqual(yield* statusOf(vote), { status: "counted" })
          assertProblem(edited, 409)
          assert.include(JSON.stringify((yield* shown(slug)).options), "coffee")
        } else {
          done(edited)
          assert.include([409, 422], vote.status)
          assert.notInclude(JSON.stringify((yield* shown(slug)).options), "coffee")
        }
      }
      yield* auditLedger
    })
  )

  it.effect("stays closed for an edit that is done, though another one at the same time is not", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const both = yield* Effect.all([patch(slug, inOne, '"1"'), patch(slug, { kind: "multiple", max: 2 }, '"1"')], {
        concurrency: 2
      })
      assert.sameMembers(
        both.map(({ status }) => status),
        [200, 412]
      )
      const sql = yield* SqlClient.SqlClient
      const [shut] = yield* sql<{ ms: number }>`
        select (upper(shut) - lower(shut))::float8 as ms from poll where slug = ${slug}`
      assert.isAtLeast(shut?.ms ?? 0, 10_000)
    })
  )

  it.effect("tells who watches that it is closed for a moment, and that it goes on", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const watch = yield* openEvents(`/api/polls/${slug}/results/stream`)
      const isTold = (status: string) => until(() => watch.events.at(-1)?.data.status === status)
      yield* isTold("open")
      const { hold } = yield* PollActs
      const now = Date.now()
      for (const [how, status] of [
        ["close", "upcoming"],
        ["open", "open"]
      ] as const) {
        yield* hold(slug, now - 60_000, 120_000, how)
        yield* isTold(status)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("goes on after its end: what came in between stays rejected, and the result is final again later", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_close" })
      const watch = openEvents(`/api/polls/${slug}/results/stream`)
      const before = yield* watch
      yield* until(() => before.versions.length > 0)
      yield* voteIn(slug, "tea")
      done(yield* closePoll(slug))
      yield* untilFinal(slug)
      yield* until(() => before.events.length > 0)
      assert.deepInclude(before.events[0]?.data, { status: "final", version: 2, total_votes: 1 })
      assertProblem(yield* voteIn(slug, "tea"), 409)
      const again = yield* act(slug, "reopen", {})
      done(again)
      const { closed, status } = json(again) as { closed: ReadonlyArray<{ from: string; to: string }>; status: string }
      assert.deepStrictEqual([closed.length, status], [1, "open"])
      assert.isUndefined(json(again).final_at)
      assertProblem(yield* request("GET", `/api/polls/${slug}/results`), 403)
      // Who saw the result is not shown what follows, and hears of the poll again.
      yield* until(() => before.ended() === "politely")
      const after = yield* watch
      yield* until(() => after.versions.length > 0)
      assert.deepStrictEqual([before.versions[0], after.versions], [1, [3]])
      yield* eventually(Effect.map(voteIn(slug, "coffee"), ({ status }) => assert.strictEqual(status, 201)))
      yield* untilCounted(slug, { tea: 1, coffee: 1 })
      // One that an API took by mistake in between is none, however late it is counted.
      const sql = yield* SqlClient.SqlClient
      const [from = { ms: 0 }] = yield* sql<{
        ms: number
      }>`select lower(shut)::float8 as ms from poll where slug = ${slug}`
      const late = yield* sql<{ late: string | null }>`
        select out_of_time(p, ${from.ms}::bigint) as late from poll p where slug = ${slug}`
      assert.strictEqual(late[0]?.late, "the poll was closed")

      const later = new Date(Date.now() + 3_600_000).toISOString()
      done(yield* patch(slug, { closes_at: later }))
      assert.strictEqual((yield* shown(slug)).closes_at, later)
      yield* until(() => after.versions.length === 2)
      assert.deepStrictEqual([after.versions, after.events], [[3, 4], []])
      assert.isTrue(before.events.every(({ data }) => data.status === "final"))
      done(yield* closePoll(slug))
      yield* untilFinal(slug)
      yield* untilCounted(slug, { tea: 1, coffee: 1 })
      const raced = yield* Effect.all([closePoll(slug), act(slug, "reopen", { closes_at: later })], { concurrency: 2 })
      raced.forEach(done)
      assert.include(["open", "counting", "final"], (yield* shown(slug)).status)
      yield* untilCounted(slug, { tea: 1, coffee: 1 })
      yield* auditLedger
    }).pipe(Effect.scoped)
  )

  it.effect("that was closed before it opened can be changed, archived and opened again", () =>
    Effect.gen(function* () {
      const [opens_at, closes_at] = ["2100-01-01T00:00:00.000Z", "2100-01-02T00:00:00.000Z"]
      const slug = yield* createPoll({ opens_at, closes_at })
      done(yield* closePoll(slug))
      const { closes_at: closed } = yield* shown(slug)
      done(yield* patch(slug, { title: "Called off" }))
      done(yield* act(slug, "archive"))
      done(yield* patch(slug, { archived: false }))
      assert.deepInclude(yield* shown(slug), { title: "Called off", opens_at, closes_at: closed })
      const tooEarly = [{ pointer: "#/closes_at", detail: "must be after opens_at" }]
      for (const answer of [
        yield* act(slug, "reopen", { closes_at: opens_at }),
        yield* patch(slug, { closes_at: opens_at }),
        yield* patch(slug, { opens_at: closes_at })
      ]) {
        assert.deepStrictEqual(assertProblem(answer, 422).errors, tooEarly)
      }
      done(yield* act(slug, "reopen", { closes_at }))
      assert.deepInclude(yield* shown(slug), { status: "upcoming", opens_at, closes_at })
    })
  )

  it.effect("is copied, archived and deleted, with its votes, while more come", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ listed: true, ballot: "once", identity: "browser" })
      const kept = yield* voteIn(slug, "tea")
      assert.deepStrictEqual(yield* statusOf(kept), { status: "counted" })
      const copied = yield* act(slug, "duplicate", { slug: `${slug}-2`, title: "Once more?" })
      assert.deepInclude(json(copied), { status: "draft", title: "Once more?", ballot: "once" })
      assertProblem(yield* act(slug, "duplicate", { slug }), 409)
      problem(yield* remove(slug), 409)
      problem(yield* send("DELETE", slug, undefined), 422)
      assert.match(problem(yield* remove("cats-or-dogs"), 409), /default poll/)
      done(yield* act(slug, "archive"))
      const listed = Effect.map(request("GET", "/api/polls"), ({ body }) => body)
      assert.notInclude(yield* listed, `"${slug}"`)
      assert.strictEqual((yield* request("GET", `/polls/${slug}`)).status, 200)
      const search = (query: string) =>
        Effect.map(request("GET", `/api/polls?${query}`, { headers: asAdmin }), (answer) =>
          (json(answer) as { polls: ReadonlyArray<{ slug: string }> }).polls.map((poll) => poll.slug)
        )
      assert.deepStrictEqual(yield* search(`q=${slug}`), [`${slug}-2`])
      assert.include(yield* search("status=archived"), slug)
      assert.deepStrictEqual(yield* search("status=draft&q=ONCE+more"), [`${slug}-2`])
      assertProblem(yield* request("GET", "/api/polls?status=draft"), 422)

      const [votes] = yield* Effect.all(
        [
          Effect.all(
            Array.from({ length: 20 }, () => voteIn(slug, "coffee")),
            { concurrency: 4 }
          ),
          remove(slug)
        ],
        { concurrency: 2 }
      )
      // Of a vote in between it can not be told here yet why the stream does not take it.
      for (const { status } of votes) assert.include([201, 404, 503], status)
      assertProblem(yield* request("GET", `/api/polls/${slug}`, { headers: asAdmin }), 404)
      done(yield* remove(`${slug}-2`))
      // Nothing of the former poll comes into one of the same name.
      const again = yield* post(
        "/api/polls",
        { slug, title: "Again?", ...inOne, ballot: "open", identity: "anyone", results: "live" },
        asAdmin
      )
      assert.strictEqual(again.status, 201, again.body)
      assert.strictEqual(json(again).status, "upcoming")
      yield* untilCounted(slug, { tea: 0, milk: 0 })
      yield* auditLedger
    })
  )

  it.effect("leads to its public log only where there is one: without a key, there is none", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const link = `/polls/${slug}/verify`
      assert.isUndefined((yield* shown(slug)).log)
      assert.include((yield* request("GET", `/polls/${slug}`)).body, link)
      const queue = yield* LogQueue
      assert.isAtLeast(yield* queue.turnOff(0), 1)
      assert.strictEqual((yield* shown(slug)).log, "off")
      // Pages hear of it when the polls are read anew.
      yield* eventually(Effect.map(request("GET", `/polls/${slug}`), ({ body }) => assert.notInclude(body, link)))
    }).pipe(Effect.provide(LogQueue.layer))
  )
})
