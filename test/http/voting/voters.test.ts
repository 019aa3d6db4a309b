import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Redis } from "../../../src/stream/Redis.ts"
import { StreamSettings } from "../../../src/stream/StreamSettings.ts"
import { assertProblem, json, request } from "../../support/api.ts"
import {
  anotherProcess,
  bearer,
  cookieOf,
  createPoll,
  layerPollsApi,
  statusOf,
  tokensFor,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"

layer(layerPollsApi(), { excludeTestServices: true })("a browser", (it) => {
  it.effect("is known again by a cookie that no script can read", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const first = yield* voteIn(slug, "tea")
      assert.match(
        first.headers["set-cookie"] ?? "",
        /^tallykeep_voter=[\w.-]+; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/
      )
      const second = yield* voteIn(slug, "coffee", cookieOf(first))
      assert.strictEqual(second.status, 201)
      assert.isUndefined(second.headers["set-cookie"])
      yield* untilCounted(slug, { tea: 0, coffee: 1 })
    })
  )

  it.effect("gets a cookie for HTTPS only, which no other host can set, where it came by HTTPS", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const strict = /^__Host-tallykeep_voter=[\w.-]+; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure$/
      const byHttps = { "x-forwarded-proto": "https" }
      const inProduction = yield* anotherProcess({ production: true })
      const behindProxy = yield* anotherProcess({ trustProxy: 1 })
      assert.match((yield* inProduction(voteIn(slug, "tea"))).headers["set-cookie"] ?? "", strict)
      const first = yield* behindProxy(voteIn(slug, "tea", byHttps))
      assert.match(first.headers["set-cookie"] ?? "", strict)
      assertProblem(yield* behindProxy(voteIn(slug, "coffee", { ...byHttps, ...cookieOf(first) })), 409)
      const byHttp = yield* behindProxy(voteIn(slug, "tea", { "x-forwarded-proto": "http" }))
      assert.match(byHttp.headers["set-cookie"] ?? "", /^tallykeep_voter=[^;]+; (?!.*Secure)/)
      // Nobody but a proxy of ours is believed.
      assert.match((yield* voteIn(slug, "tea", byHttps)).headers["set-cookie"] ?? "", /^tallykeep_voter=/)
    }).pipe(Effect.scoped)
  )

  it.effect("is who its own cookie says, whatever cookies a host beside ours plants", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const { cookie: own } = cookieOf(yield* voteIn(slug, "tea"))
      const planted = "tallykeep_voter=11111111-2222-3333-4444-555555555555.abcdefghijklmnopqrstuv"
      for (const cookie of [`${planted}; ${own}`, `${own}; ${planted}`, `${planted}; ${own}; ${planted}`]) {
        assertProblem(yield* voteIn(slug, "coffee", { cookie }), 409)
      }
      // One that is valid, since its planter has voted too, counts for nothing where ours can't be planted.
      const inProduction = yield* anotherProcess({ production: true })
      const answer = yield* inProduction(voteIn(slug, "coffee", { cookie: own }))
      assert.strictEqual(answer.status, 201)
      const secure = cookieOf(answer).cookie
      assertProblem(yield* inProduction(voteIn(slug, "tea", { cookie: `${own}; ${secure}` })), 409)
      assertProblem(yield* inProduction(voteIn(slug, "tea", { cookie: `${secure}; ${own}` })), 409)
    }).pipe(Effect.scoped)
  )

  it.effect("with a cookie that is not ours is a new voter", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const { cookie } = cookieOf(yield* voteIn(slug, "tea"))
      const [id = "", signature = ""] = cookie.replace("tallykeep_voter=", "").split(".")
      const tampered = [
        `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}.${signature}`,
        `${id}.${signature.slice(0, -1)}`,
        `${id}.`,
        `.${signature}`,
        id,
        "",
        "%00.%00"
      ]
      for (const value of tampered) {
        const answer = yield* voteIn(slug, "tea", { cookie: `tallykeep_voter=${value}` })
        assert.strictEqual(answer.status, 201, value)
        assert.notInclude(answer.headers["set-cookie"] ?? "", id)
      }
      assertProblem(yield* voteIn(slug, "tea", { cookie: `other=1; ${cookie}` }), 409)
      yield* untilCounted(slug, { tea: 1 + tampered.length, coffee: 0 })
    })
  )

  it.effect("that votes with a key and without a cookie has voted once, however often it sends that", () =>
    Effect.gen(function* () {
      for (const ballot of ["open", "once", "changeable"] as const) {
        const slug = yield* createPoll({ ballot, identity: "browser" })
        const key = { "idempotency-key": "the-first-vote" }
        const answers = yield* Effect.all([voteIn(slug, "tea", key), voteIn(slug, "tea", key)], { concurrency: 2 })
        const [first, second] = answers
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [201, 201]
        )
        assert.strictEqual(first.body, second.body)
        // Whoever learns the key would have the cookie too, and be that voter.
        for (const { headers } of answers) assert.isUndefined(headers["set-cookie"])
        assertProblem(yield* voteIn(slug, "coffee", key), 422)
        yield* untilCounted(slug, { tea: 1, coffee: 0 })
      }
    })
  )
})

layer(layerPollsApi(), { excludeTestServices: true })("who has voted", (it) => {
  it.effect("is in no table, nor in the stream or any key: only a hash, another one in each poll", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const browsers = yield* createPoll({ ballot: "once", identity: "browser" })
      const others = yield* createPoll({ ballot: "once", identity: "browser" })
      const tokens = yield* createPoll({ ballot: "once", identity: "token" })
      const [token = ""] = yield* tokensFor(tokens, 1)
      const first = yield* voteIn(browsers, "tea")
      const cookie = cookieOf(first)
      yield* statusOf(first)
      yield* statusOf(yield* voteIn(browsers, "tea", { "idempotency-key": "a-key-of-mine" }))
      yield* statusOf(yield* voteIn(others, "tea", cookie))
      yield* statusOf(yield* voteIn(tokens, "tea", bearer(token)))
      const { sub } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())
      const [id = ""] = cookie.cookie.replace("tallykeep_voter=", "").split(".")
      assert.isAbove(id.length, 20)

      const tables = yield* sql<{ name: string }>`
        select table_name as name from information_schema.tables where table_schema = 'public'`
      const rows = yield* Effect.forEach(tables, ({ name }) =>
        sql.unsafe<{ row: string }>(`select row_to_json(t)::text as row from "${name}" t`)
      )
      const entries = yield* Effect.promise(() => client.xrange(stream, "-", "+"))
      const keys = yield* Effect.promise(async () => {
        const names = await client.keys(`${stream}:key:*`)
        return [...names, ...(await Promise.all(names.map((name) => client.get(name))))]
      })
      const all = JSON.stringify([rows, entries, keys])
      assert.include(all, browsers)
      for (const secret of [id, sub, token, "a-key-of-mine"]) {
        assert.notInclude(all, secret)
        assert.notInclude(all, Buffer.from(secret).toString("hex"))
      }
      const voters = yield* sql<{ voter: string }>`
        select distinct encode(voter, 'hex') as voter from vote_event where voter is not null`
      assert.strictEqual(voters.length, 4)
    })
  )

  it.effect("a voter's cookie and token are in no answer but the first", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const first = yield* voteIn(slug, "tea")
      assert.deepStrictEqual(Object.keys(json(first)).sort(), ["message", "option", "stream_id", "vote_id"])
      const receipt = yield* request("GET", first.headers.location ?? "")
      assert.notInclude(receipt.body + JSON.stringify(receipt.headers), "voter")
    })
  )
})
