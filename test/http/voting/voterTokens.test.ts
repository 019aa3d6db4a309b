import { createHmac } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type JWTPayload, SignJWT } from "jose"
import { assertProblem } from "../../support/api.ts"
import { makeProvider } from "../../support/identityProvider.ts"
import {
  anotherProcess,
  bearer,
  createPoll,
  layerPollsApi,
  statusOf,
  tokensFor,
  voteIn,
  voterSecret
} from "../../support/pollsApi.ts"

const now = () => Math.floor(Date.now() / 1000)

const ownKey = createHmac("sha256", voterSecret).update("token").digest()

const sign = (claims: JWTPayload, { alg = "HS256", key = ownKey as Uint8Array } = {}) =>
  Effect.promise(() => new SignJWT(claims).setProtectedHeader({ alg }).sign(key))

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url")

/** Asserts that the vote is refused, and gives why. */
const refused = (slug: string, headers: { readonly authorization?: string }, status: 401 | 403) =>
  Effect.map(voteIn(slug, "tea", headers), (answer) => {
    const { detail } = assertProblem(answer, status)
    assert.strictEqual(answer.headers["www-authenticate"], status === 401 ? "Bearer" : undefined)
    return String(detail)
  })

layer(layerPollsApi(), { excludeTestServices: true })("a voter's token of ours", (it) => {
  it.effect("is for one voter of its poll", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const tokens = yield* tokensFor(slug, 20)
      assert.strictEqual(new Set(tokens).size, 20)
      const [first, second] = tokens
      const vote = yield* voteIn(slug, "tea", bearer(first))
      assert.isUndefined(vote.headers["set-cookie"])
      assert.deepStrictEqual(yield* statusOf(vote), { status: "counted" })
      assertProblem(yield* voteIn(slug, "coffee", bearer(first)), 409)
      assert.strictEqual((yield* voteIn(slug, "coffee", bearer(second))).status, 201)
      const elsewhere = yield* createPoll({ ballot: "once", identity: "token" })
      const why = yield* refused(elsewhere, bearer(first), 403)
      assert.strictEqual(why, "The token is for another poll or service")
    })
  )

  it.effect("is taken with the same claims and key only", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const good = { iss: "tallykeep", aud: slug, sub: "someone", exp: now() + 60 }
      assert.strictEqual((yield* voteIn(slug, "tea", bearer(yield* sign(good)))).status, 201)

      const another = "The token is for another poll or service"
      const invalid = "The token is not valid"
      const otherKey = createHmac("sha256", "another").update("token").digest()
      const cases = [
        [401, "The token has expired", sign({ ...good, exp: now() - 1 })],
        [401, "The token does not hold yet", sign({ ...good, nbf: now() + 60 })],
        [401, "The token names no voter (sub)", sign({ iss: "tallykeep", aud: slug, exp: now() + 60 })],
        [401, "The token names no voter (sub)", sign({ ...good, sub: "" })],
        [403, another, sign({ ...good, aud: "another" })],
        [403, another, sign({ iss: "tallykeep", sub: "someone", exp: now() + 60 })],
        [403, another, sign({ ...good, iss: "another" })],
        [401, invalid, sign(good, { key: otherKey })],
        [401, invalid, sign(good, { key: new TextEncoder().encode(voterSecret) })],
        [401, invalid, sign(good, { alg: "HS512", key: Buffer.alloc(64, ownKey) })],
        [401, invalid, Effect.succeed(`${encode({ alg: "none" })}.${encode(good)}.`)],
        [401, invalid, Effect.succeed(`${encode({ alg: "None" })}.${encode(good)}.AAAA`)],
        [401, invalid, Effect.succeed(`${encode({ typ: "JWT" })}.${encode(good)}.AAAA`)],
        [401, invalid, Effect.map(sign(good), (token) => `${token.slice(0, -3)}AAA`)],
        [
          401,
          invalid,
          Effect.map(sign(good), (token) => token.replace(/\.[^.]+\./, `.${encode({ ...good, sub: "b" })}.`))
        ]
      ] as const
      for (const [status, detail, token] of cases) {
        assert.strictEqual(yield* refused(slug, bearer(yield* token), status), detail)
      }
    })
  )

  it.effect("has to be a token", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const needed = "This poll needs a voter's token: Authorization: Bearer <token>"
      const cases = [undefined, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer é"]
      for (const authorization of cases) {
        const why = yield* refused(slug, authorization === undefined ? {} : { authorization }, 401)
        assert.strictEqual(why, needed)
      }
      for (const token of ["x", "a.b.c", "bnVsbA.bnVsbA.AAAA", ".", "..", "W10.W10.W10", encode({ alg: "HS256" })]) {
        assert.strictEqual(yield* refused(slug, bearer(token), 401), "The token is not valid")
      }
    })
  )
})

layer(layerPollsApi(), { excludeTestServices: true })("a voter's token of an identity provider", (it) => {
  it.effect("is taken with its issuer, audience and key", () =>
    Effect.gen(function* () {
      const { confused, token, url } = yield* makeProvider
      const atProvider = yield* anotherProcess({ jwksUrl: url, jwtIssuer: "https://id.example", jwtAudience: "votes" })
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const good = { iss: "https://id.example", aud: "votes", sub: "alice" }
      const vote = yield* atProvider(voteIn(slug, "tea", bearer(yield* token(good))))
      assert.deepStrictEqual(yield* statusOf(vote), { status: "counted" })
      assertProblem(yield* atProvider(voteIn(slug, "tea", bearer(yield* token(good, "ES256")))), 409)
      const bob = yield* token({ ...good, sub: "bob", aud: ["other", "votes"] }, "ES256")
      assert.strictEqual((yield* atProvider(voteIn(slug, "tea", bearer(bob)))).status, 201)

      const another = "The token is for another poll or service"
      const cases = [
        [403, another, token({ ...good, iss: "https://other.example" })],
        [403, another, token({ ...good, aud: "other" })],
        [403, another, token({ iss: good.iss, sub: "alice" })],
        [403, another, token({ aud: good.aud, sub: "alice" })],
        [401, "The token has expired", token({ ...good, exp: now() - 1 })],
        [401, "The token names no voter (sub)", token({ iss: good.iss, aud: good.aud })],
        [401, "The token is not valid", token(good, "ES256", "unknown")],
        [401, "The token is not valid", confused({ ...good, exp: now() + 60 })],
        [401, "The token is not valid", confused({ iss: "tallykeep", aud: slug, sub: "alice", exp: now() + 60 })]
      ] as const
      for (const [status, detail, made] of cases) {
        assert.strictEqual(yield* atProvider(refused(slug, bearer(yield* made), status)), detail)
      }
      // Ours go on, and a process without the provider takes none of its own.
      const [ours] = yield* tokensFor(slug, 1)
      assert.strictEqual((yield* atProvider(voteIn(slug, "tea", bearer(ours)))).status, 201)
      assert.strictEqual(yield* refused(slug, bearer(yield* token(good)), 401), "The token is not valid")
    }).pipe(Effect.scoped)
  )

  it.effect("can't be checked while the provider is away, which is not the token's fault", () =>
    Effect.gen(function* () {
      const { token } = yield* makeProvider
      const slug = yield* createPoll({ identity: "token" })
      const atProvider = yield* anotherProcess({ jwksUrl: "http://127.0.0.1:1/jwks.json" })
      const answer = yield* atProvider(voteIn(slug, "tea", bearer(yield* token({ sub: "alice" }))))
      assert.strictEqual(assertProblem(answer, 503).detail, "The identity provider does not answer")
      assert.strictEqual(answer.headers["retry-after"], "1")
      assert.strictEqual(yield* atProvider(refused(slug, bearer("a.b.c"), 401)), "The token is not valid")
    }).pipe(Effect.scoped)
  )

  it.effect("is not taken without a VOTER_SECRET, which keys the voters' hashes", () =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const slug = yield* createPoll({ identity: "token" })
      const atProvider = yield* anotherProcess({ jwksUrl: url, voterSecret: undefined })
      assert.match(yield* atProvider(refused(slug, bearer(yield* token({ sub: "alice" })), 403)), /VOTER_SECRET/)
    }).pipe(Effect.scoped)
  )
})
