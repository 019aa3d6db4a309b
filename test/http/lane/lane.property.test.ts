import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { makeOwnTokens } from "../../../src/http/voting/OwnTokens.ts"
import { makeVoterCookie } from "../../../src/http/voting/VoterCookie.ts"
import { layerApiIn, request } from "../../support/api.ts"
import { comparable } from "../../support/comparable.ts"
import { fewAssets } from "../../support/fewAssets.ts"
import { newWorld, World } from "../../support/world.ts"

const secret = "what-signs-the-voters-of-these-tests"

const polls = (["browser", "token", "provider"] as const).flatMap((identity) =>
  (["open", "once", "changeable"] as const).map((ballot) => ({
    ...defaultPoll,
    slug: `${identity}-${ballot}`,
    identity,
    ballot
  }))
)
const [tokenPoll = defaultPoll] = polls.filter(({ identity }) => identity === "token")

/** A token that is good in one poll. */
const [token] = Effect.runSync(makeOwnTokens([secret], Date.now).issue(tokenPoll, 1))

const signature = createHmac("sha256", secret).update("cookie\nann").digest("base64url").slice(0, 22)
const cookie = makeVoterCookie({ production: true, trustProxy: 1 }, [() => signature]).write({ headers: {} }, "ann")

const oneOf = <const A extends string>(...values: ReadonlyArray<A>) => Schema.Literals(values)

/** Headers that requests to the lane have, and some that it has to leave to the app. */
const Headers = Schema.Struct({
  "content-type": Schema.optionalKey(
    oneOf(
      "application/json",
      "application/json;charset=utf-8",
      "APPLICATION/JSON",
      "application/json; charset=latin1",
      "text/plain"
    )
  ),
  "content-encoding": Schema.optionalKey(oneOf("identity", "gzip")),
  "transfer-encoding": Schema.optionalKey(oneOf("chunked")),
  "idempotency-key": Schema.optionalKey(oneOf("k1", "k2", "k 3", "", "x".repeat(256))),
  "accept-encoding": Schema.optionalKey(oneOf("gzip", "gzip, br", "br;q=0", "*")),
  "if-none-match": Schema.optionalKey(oneOf("*", '"x"', 'W/"x", "y"')),
  "x-forwarded-for": Schema.optionalKey(oneOf("1.2.3.4", "::1, 5.6.7.8", ",")),
  origin: Schema.optionalKey(oneOf("http://localhost:3000", "http://evil.example", "null")),
  authorization: Schema.optionalKey(oneOf("Bearer x", "Basic x", `Bearer ${token}`)),
  cookie: Schema.optionalKey(oneOf("a=b; __Host-tallykeep_voter=x.y", `a=b; ${cookie.split(";")[0]}`))
})

const Asked = Schema.Struct({
  method: oneOf("POST", "POST", "GET", "GET", "HEAD", "OPTIONS", "PUT"),
  path: oneOf(
    "/api/vote",
    "/vote",
    "/api/polls/cats-or-dogs/votes",
    ...polls.map(({ slug }) => `/api/polls/${slug}/votes`),
    "/api/polls/nowhere/votes",
    "/api/polls//votes",
    "/api/polls/a/b/votes",
    "/api/polls/%63ats-or-dogs/votes",
    "/api/vote?x=1",
    "/api/vote/",
    "/results",
    "/api/results",
    "/api/polls/cats-or-dogs/results",
    "/api/polls/cats-or-dogs/results?x",
    "/api/polls/nowhere/results",
    "/api/polls",
    "/api/polls/",
    "/api/polls?limit=2",
    "/api/polls/cats-or-dogs",
    "/api/polls/cats-or-dogs?x",
    "/api/polls/nowhere",
    ...polls.map(({ slug }) => `/api/polls/${slug}`),
    "/",
    "/polls/cats-or-dogs",
    "/polls/cats-or-dogs?x",
    "/polls/nowhere",
    ...polls.map(({ slug }) => `/polls/${slug}`),
    "/assets/poll-1.js",
    "/assets/poll-1.js?x",
    "/assets/page-1.css",
    "/assets/"
  ),
  headers: Headers,
  body: Schema.Union([
    oneOf(
      '{"option":"cats"}',
      '{"option":"dogs"}',
      ' { "option" : "cats" } ',
      '{"option":"birds"}',
      "{}",
      "[]",
      "null",
      ""
    ),
    oneOf('{"option":"cats","option":"dogs"}', '{"option":["cats"]}', '{"option":"cats","x":1}', "\u0000", "{"),
    Schema.String.check(Schema.isMaxLength(40))
  ])
})

/** A server of its own, by the lane or by the app alone, and what asks it. */
const server = (fastLane: boolean) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        Layer.unwrap(
          Effect.map(fewAssets, (folder) =>
            layerApiIn(
              { ...newWorld(), polls },
              {
                fastLane,
                production: true,
                trustProxy: 1,
                rateLimit: { votes: 20, seconds: 3_600 },
                newVoterLimit: { votes: 3, seconds: 3_600 },
                voterSecrets: [secret],
                readLimit: { votes: 8, seconds: 3_600 }
              },
              folder
            )
          )
        )
      )
    ),
    (context) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.provideContext(effect, context)
  )

describe("the fast lane", () => {
  it.live.prop(
    "answers whatever it is asked as the app does, and appends the same votes",
    [Schema.Array(Asked).check(Schema.isMaxLength(30))],
    ([asked]) =>
      Effect.gen(function* () {
        const [lane, app] = [yield* server(true), yield* server(false)]
        // What was read once is answered by the lane from then on.
        const first = (["/results", "/", "/assets/poll-1.js"] as const).map(
          (path) => ({ method: "GET", path, headers: {}, body: "" }) satisfies typeof Asked.Type
        )
        for (const { body, headers, method, path } of [...first, ...asked]) {
          // A body belongs to a POST; Node's client sends one of known length without being told.
          const { "transfer-encoding": _, ...bodiless }: typeof Headers.Type = headers
          const sent = method === "POST" ? { headers, body } : { headers: bodiless }
          const ask = Effect.map(request(method, path, sent), comparable)
          assert.deepStrictEqual(yield* lane(ask), yield* app(ask), `${method} ${path} ${JSON.stringify(sent)}`)
        }
        const appended = Effect.map(World, ({ votes }) =>
          // A new voter without a key is another one each time.
          votes.map(({ choice, key, poll, voter }) => ({
            choice,
            key,
            poll,
            voter: key && voter,
            known: voter !== undefined
          }))
        )
        assert.deepStrictEqual(yield* lane(appended), yield* app(appended))
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 40, size: 30 } }
  )
})
