import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { request } from "../../support/api.ts"
import {
  cookieOf,
  countsOf,
  createPoll,
  layerPollsApi,
  tokensFor,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { serverPort } from "../../support/wire.ts"

const layerPages = withPublicFolder((folder) => layerPollsApi({}, folder))

type Headers = Readonly<Record<string, string>>

const pageOf = (slug: string, headers: Headers = {}) => request("GET", `/polls/${slug}`, { headers })

const keyIn = (body: string) => /name="key" value="([^"]+)"/.exec(body)?.[1] ?? ""

/** What the page's script knows the voter by. */
const nameIn = (body: string) => /data-voter="([^"]+)"/.exec(body)?.[1] ?? ""

/** Sends a form, as from our own page unless the headers say otherwise. */
const send = (slug: string, body: string, headers: Headers = { "sec-fetch-site": "same-origin" }) =>
  request("POST", `/polls/${slug}`, {
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers }
  })

layer(layerPages, { excludeTestServices: true })("the voter of a page", (it) => {
  it.effect("comes with it, once, where a browser is a voter", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const page = yield* pageOf(slug)
      assert.match(page.headers["set-cookie"] ?? "", /^tallykeep_voter=[\w.-]+; Path=\/; .*HttpOnly; SameSite=Lax$/)
      assert.isUndefined((yield* pageOf(slug, cookieOf(page))).headers["set-cookie"])
      for (const identity of ["anyone", "token"] as const) {
        assert.isUndefined((yield* pageOf(yield* createPoll({ identity }))).headers["set-cookie"])
      }
    })
  )

  it.effect("has a name on it, which stays as long as the cookie and is another in each poll", () =>
    Effect.gen(function* () {
      const poll = { ballot: "once", identity: "browser" } as const
      const slug = yield* createPoll(poll)
      const page = yield* pageOf(slug)
      const name = nameIn(page.body)
      assert.match(name, /^[\w-]{22}$/)
      assert.notInclude(cookieOf(page).cookie, name)
      assert.strictEqual(nameIn((yield* pageOf(slug, cookieOf(page))).body), name)
      const others = [
        yield* pageOf(slug),
        yield* pageOf(slug, { cookie: `${cookieOf(page).cookie}x` }),
        yield* pageOf(yield* createPoll(poll), cookieOf(page))
      ].map(({ body }) => nameIn(body))
      assert.lengthOf(new Set([name, ...others]), 4)
      const refused = yield* send(slug, "option=beer", { "sec-fetch-site": "same-origin", ...cookieOf(page) })
      assert.deepStrictEqual([refused.status, nameIn(refused.body)], [422, name])
      assert.strictEqual(nameIn((yield* send(slug, "option=beer")).body), "")
      for (const identity of ["anyone", "token"] as const) {
        assert.strictEqual(nameIn((yield* pageOf(yield* createPoll({ identity }))).body), "")
      }
    })
  )

  it.effect("is the one that its votes are of, by the form and by the script", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const page = yield* pageOf(slug)
      const cookie = cookieOf(page)
      const form = yield* send(slug, `key=${keyIn(page.body)}&option=tea`, {
        "sec-fetch-site": "same-origin",
        ...cookie
      })
      assert.strictEqual(form.status, 303)
      assert.isUndefined(form.headers["set-cookie"])
      const script = yield* voteIn(slug, "coffee", { ...cookie, "idempotency-key": "another" })
      assert.strictEqual(script.status, 201)
      assert.isUndefined(script.headers["set-cookie"])
      yield* untilCounted(slug, { tea: 0, coffee: 1 })
      // The page does not tell what the ledger knows the voter by.
      const ballots = yield* (yield* SqlClient.SqlClient)<{ voter: Uint8Array }>`
        select voter from ballot where poll = ${slug}`
      const voters = ballots.map(({ voter }) => Buffer.from(voter).toString("hex"))
      assert.lengthOf(voters, 1)
      assert.notInclude(voters, Buffer.from(nameIn(page.body), "base64url").toString("hex"))
    })
  )

  it.effect("can't be had from the form's key", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const key = keyIn((yield* pageOf(slug)).body)
      const first = yield* send(slug, `key=${key}&option=tea`)
      const again = yield* send(slug, `key=${key}&option=tea`)
      assert.deepStrictEqual([first.status, again.status], [303, 303])
      assert.strictEqual(first.headers.location, again.headers.location)
      for (const { headers } of [first, again]) assert.isUndefined(headers["set-cookie"])
    })
  )

  it.effect("does not vote by a form of another origin, nor gets a cookie by it", () =>
    Effect.gen(function* () {
      const port = yield* serverPort
      const here = `http://127.0.0.1:${port}`
      const foreign: ReadonlyArray<Headers> = [
        {},
        { origin: "null" },
        { origin: "" },
        { origin: "https://evil.example" },
        { origin: `http://127.0.0.1:${port - 1}` },
        { origin: "http://127.0.0.1" },
        { origin: `http://127.0.0.1:${port}.evil.example` },
        { origin: `file://127.0.0.1:${port}` },
        { origin: `http://votes.example`, host: "a.votes.example" },
        { origin: here, "sec-fetch-site": "cross-site" },
        { origin: here, "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "" }
      ]
      const own: ReadonlyArray<Headers> = [
        { origin: here },
        { origin: "null", "sec-fetch-site": "same-origin" },
        { "sec-fetch-site": "none" },
        { origin: "http://votes.example", host: "votes.example" },
        { origin: "http://votes.example", host: "Votes.example:80" },
        { origin: "https://votes.example", host: "votes.example:443" }
      ]
      for (const identity of ["browser", "token"] as const) {
        const slug = yield* createPoll({ ballot: "once", identity })
        const [token = ""] = identity === "token" ? yield* tokensFor(slug, 1) : []
        for (const headers of foreign) {
          const answer = yield* send(slug, `key=k&option=tea&token=${token}`, headers)
          assert.strictEqual(answer.status, 403, JSON.stringify(headers))
          assert.include(answer.body, "sent from another site")
          assert.isUndefined(answer.headers["set-cookie"])
        }
        assert.deepStrictEqual(yield* countsOf(slug), { tea: 0, coffee: 0 })
        for (const headers of own) {
          const answer = yield* send(slug, `key=k&option=tea&token=${token}`, headers)
          assert.strictEqual(answer.status, 303, JSON.stringify(headers))
        }
        yield* untilCounted(slug, { tea: 1, coffee: 0 })
      }
    })
  )

  it.effect("keeps the token that a form has sent, and says beside it what is wrong with it", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const fieldIn = (body: string) => /<input name="token".*?<\/noscript>/s.exec(body)?.[0] ?? ""
      const says = (text: string) => `<p class="field-error" id="error-token">${text}`
      for (const [sent, status, value, wrong] of [
        ["option=tea", 401, "", "Voting in this poll needs the personal link"],
        ["option=tea&token=%22no", 401, "&quot;no", "Your personal link is not valid"],
        ["token=mine", 422, "mine", ""]
      ] as const) {
        const { body, status: answered } = yield* send(slug, sent)
        assert.strictEqual(answered, status)
        assert.include(fieldIn(body), `value="${value}"`)
        assert.include(fieldIn(body), says(wrong))
        assert.strictEqual(fieldIn(body).includes("aria-invalid"), wrong !== "")
      }
      assert.include(fieldIn((yield* pageOf(slug)).body), says("</p>"))
    })
  )

  it.effect("where there is none, a form that does not say where it is from is taken", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      assert.strictEqual((yield* send(slug, "option=tea", {})).status, 303)
      assert.strictEqual((yield* send(slug, "option=tea", { origin: "null" })).status, 403)
    })
  )
})
