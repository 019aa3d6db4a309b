import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { layerApi, request } from "../../support/api.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"
import { freshWorld, streamId } from "../../support/world.ts"

const layerPageRoutes = withPublicFolder((folder) => layerApi({}, folder))

const send = (body: string, headers: Readonly<Record<string, string>> = {}, path = "/polls/cats-or-dogs") =>
  request("POST", path, {
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers }
  })

layer(layerPageRoutes, { excludeTestServices: true })("a vote by the page's form", (it) => {
  it.effect("is one vote for each page, and leads back to it", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const page = yield* request("GET", "/")
      const key = /name="key" value="([^"]+)"/.exec(page.body)?.[1] ?? ""
      const first = yield* send(`key=${key}&option=dogs`)
      const again = yield* send(`key=${key}&option=dogs`)
      assert.strictEqual(first.status, 303)
      assert.strictEqual(world.votes.length, 1)
      assert.deepInclude(world.votes[0], { poll: "cats-or-dogs", choice: "dogs", key })
      const { voteId } = world.votes[0] ?? { voteId: "" }
      const back = `/polls/cats-or-dogs?vote_id=${voteId}&stream_id=${streamId}#notice`
      assert.strictEqual(first.headers.location, back)
      assert.strictEqual(again.headers.location, back)

      const waiting = yield* request("GET", back.replace("#notice", ""))
      assert.include(waiting.body, "Your vote is in, and is about to be counted")
      world.receipts.set(voteId, { vote_id: voteId, poll: "cats-or-dogs", status: "counted" })
      const counted = yield* request("GET", back.replace("#notice", ""))
      assert.include(counted.body, "Your vote is counted.")
      assert.include(counted.body, `href="/api/votes/${voteId}?stream_id=${streamId}"`)
    })
  )

  it.effect.each([
    ["an option of no poll", "option=%3Cb%3E&key=1", {}, 422, "This is not an option of this poll."],
    ["nothing", "", {}, 422, "This is not an option of this poll."],
    ["a form on another site", "option=cats", { "sec-fetch-site": "cross-site" }, 403, "sent from another site"],
    ["a form on a site beside ours", "option=cats", { "sec-fetch-site": "same-site" }, 403, "sent from another site"],
    ["a form of another origin", "option=cats", { origin: "http://127.0.0.1:1" }, 403, "sent from another site"],
    ["a form of a hidden origin", "option=cats", { origin: "null" }, 403, "sent from another site"]
  ] as const)("with %s is refused in words", ([, body, headers, status, words]) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const answer = yield* send(body, headers)
      assert.strictEqual(answer.status, status)
      assert.strictEqual(answer.headers["content-type"], "text/html; charset=utf-8")
      assert.include(answer.body, words)
      assert.notInclude(answer.body, "<b>")
      assert.strictEqual(world.votes.length, 0)
    })
  )

  it.effect("is refused in words while Redis is away, and with another option under a used key", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      world.redis = "away"
      const away = yield* send("option=cats&key=a")
      assert.strictEqual(away.status, 503)
      assert.include(away.body, "The vote was not taken")
      assert.deepInclude(away.headers, { "retry-after": "1", "cache-control": "no-store" })
      world.redis = "up"
      yield* send("option=cats&key=a")
      const other = yield* send("option=dogs&key=a")
      assert.strictEqual(other.status, 422)
      assert.include(other.body, "Another vote was sent from this page before, and this one was not taken.")
      assert.notInclude(other.body, 'name="key" value="a"')
      assert.strictEqual(world.votes.length, 1)
    })
  )

  it.effect("too large, or in no poll, is refused", () =>
    Effect.gen(function* () {
      yield* freshWorld
      assert.strictEqual((yield* send(`option=${"x".repeat(1_048_577)}`)).status, 413)
      const nowhere = yield* request("POST", "/polls/none", { body: "option=cats" })
      assert.strictEqual(nowhere.status, 404)
      const put = yield* request("PUT", "/polls/cats-or-dogs")
      assert.strictEqual(put.status, 405)
      assert.strictEqual(put.headers.allow, "GET, POST, HEAD, OPTIONS")
    })
  )

  it.effect("is possible while the results can't be read", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      world.database = "away"
      const page = yield* request("GET", "/")
      assert.strictEqual(page.status, 200)
      assert.include(page.body, 'value="cats"')
      assert.strictEqual((yield* send("option=cats")).status, 303)
    })
  )

  it.effect("refused with many others that waited with it leaves turns to everybody else", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      world.polls = [{ ...teaOrCoffeePoll, slug: "tea-or-coffee" }]
      world.delay = 300
      let [inTurn, most, all] = [0, 0, 0]
      const finished = () => {
        if (inTurn === 0) setImmediate(() => (inTurn = 0))
        all++
        most = Math.max(most, ++inTurn)
      }
      subscribe("http.server.response.finish", finished)
      const answers = yield* Effect.all(
        Array.from({ length: 60 }, () => send("option=none", {}, "/polls/tea-or-coffee")),
        { concurrency: "unbounded" }
      )
      unsubscribe("http.server.response.finish", finished)
      assert.isTrue(answers.every(({ status }) => status === 422))
      assert.strictEqual(all, 60)
      assert.isAtMost(most, 16)
    })
  )

  it.effect("what the page's address says is never shown as it is", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const { body } = yield* request("GET", "/?vote_id=%3Cscript%3E&stream_id=1-1")
      assert.notInclude(body, "<script>")
      assert.notInclude(body, "stream_id=1-1")
    })
  )
})
