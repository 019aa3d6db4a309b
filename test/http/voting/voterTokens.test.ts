import { createHmac } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type JWTPayload, SignJWT } from "jose"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { makeOwnTokens } from "../../../src/http/voting/OwnTokens.ts"
import { assertProblem } from "../../support/api.ts"
import { makeProvider } from "../../support/identityProvider.ts"
import {
  anotherProcess,
  asAdmin,
  bearer,
  createPoll,
  definition,
  layerPollsApi,
  post,
  statusOf,
  tokensFor,
  untilCounted,
  voteIn,
  voterSecret
} from "../../support/pollsApi.ts"

const now = () => Math.floor(Date.now() / 1000)

const ownKey = createHmac("sha256", voterSecret).update("token").digest()

const sign = (claims: JWTPayload, { alg = "HS256", key = ownKey as Uint8Array } = {}) =>
  Effect.promise(() => new SignJWT(claims).setProtectedHeader({ alg }).sign(key))

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url")

/** A token that is signed as ours are and names another algorithm. */
const signedAs = (alg: string, claims: JWTPayload) => {
  const signed = `${encode({ alg })}.${encode(claims)}`
  return `${signed}.${createHmac("sha256", ownKey).update(signed).digest("base64url")}`
}

/** Asserts that the vote is refused, and gives why. */
const refused = (slug: string, headers: { readonly authorization?: string }, status: 401 | 403) =>
  Effect.map(voteIn(slug, "tea", headers), (answer) => {
    const { detail } = assertProblem(answer, status)
    const given = /^Bearer +\S/i.test(headers.authorization ?? "")
    const error = given ? `, error="invalid_token", error_description="${detail}"` : ""
    const challenge = `Bearer realm="tallykeep"${error}`
    assert.strictEqual(answer.headers["www-authenticate"], status === 401 ? challenge : undefined)
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
      // The scheme is read in any case (RFC 9110).
      assert.strictEqual((yield* voteIn(slug, "coffee", { authorization: `bearer ${second}` })).status, 201)
      const elsewhere = yield* createPoll({ ballot: "once", identity: "token" })
      const why = yield* refused(elsewhere, bearer(first), 403)
      assert.strictEqual(why, "The token is for another poll or service")
    })
  )

  it.effect("goes on holding where the poll's closing time is moved, days after it", () =>
    Effect.gen(function* () {
      let time = Date.now()
      const tokens = makeOwnTokens([voterSecret], () => time)
      const poll = { ...defaultPoll, closesMs: time + 1_000 }
      const [token = ""] = yield* tokens.issue(poll, 1)
      const voter = tokens.verify(poll, token)
      assert.isString(voter)
      time += 80 * 86_400_000
      assert.strictEqual(tokens.verify({ ...poll, closesMs: time + 1_000 }, token), voter)
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
        [
          401,
          "The token does not say until when it holds (exp)",
          sign({ iss: "tallykeep", aud: slug, sub: "someone" })
        ],
        [403, another, sign({ ...good, aud: "another" })],
        [403, another, sign({ iss: "tallykeep", sub: "someone", exp: now() + 60 })],
        [403, another, sign({ ...good, iss: "another" })],
        [401, invalid, sign(good, { key: otherKey })],
        [401, invalid, sign(good, { key: new TextEncoder().encode(voterSecret) })],
        [401, invalid, sign(good, { alg: "HS512", key: Buffer.alloc(64, ownKey) })],
        [401, invalid, Effect.sync(() => signedAs("HS512", good))],
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

  it.effect("is not waited for by others while thousands are made", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const done: Array<number> = []
      const issue = (count: number) =>
        Effect.andThen(
          tokensFor(slug, count),
          Effect.sync(() => done.push(count))
        )
      yield* Effect.all([issue(10_000), issue(1)], { concurrency: 2, discard: true })
      assert.deepStrictEqual(done, [1, 10_000])
    })
  )

  it.effect("has to be a token", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const needed = "This poll needs a voter's token: Authorization: Bearer <token>"
      const cases = [undefined, "", "Bearer", "Bearer ", "Basic YTpi"]
      for (const authorization of cases) {
        const why = yield* refused(slug, authorization === undefined ? {} : { authorization }, 401)
        assert.strictEqual(why, needed)
      }
      for (const token of [
        "x",
        "a b",
        "é",
        "a.b.c",
        "bnVsbA.bnVsbA.AAAA",
        ".",
        "..",
        "W10.W10.W10",
        encode({ alg: "HS256" })
      ]) {
        assert.strictEqual(yield* refused(slug, bearer(token), 401), "The token is not valid")
      }
    })
  )
})

const provided = { iss: "https://id.example", aud: "votes", sub: "alice" }

/** What a process is told of a provider. */
const settingsOf = (url: string) => ({ jwksUrl: url, jwtIssuer: provided.iss, jwtAudience: provided.aud })

/** A poll for the users of a provider, and a process that knows the provider. */
const makeProviderPoll = Effect.fnUntraced(function* (url: string) {
  const atProvider = yield* anotherProcess(settingsOf(url))
  const slug = yield* atProvider(createPoll({ ballot: "once", identity: "provider" }))
  return { atProvider, slug }
})

layer(layerPollsApi(), { excludeTestServices: true })("a voter's token of an identity provider", (it) => {
  it.effect("is taken with its issuer, audience and key", () =>
    Effect.gen(function* () {
      const { confused, token, url } = yield* makeProvider
      const { atProvider, slug } = yield* makeProviderPoll(url)
      const vote = yield* atProvider(voteIn(slug, "tea", bearer(yield* token(provided))))
      assert.deepStrictEqual(yield* statusOf(vote), { status: "counted" })
      assertProblem(yield* atProvider(voteIn(slug, "tea", bearer(yield* token(provided, "ES256")))), 409)
      const bob = yield* token({ ...provided, sub: "bob", aud: ["other", "votes"] }, "ES256")
      assert.strictEqual((yield* atProvider(voteIn(slug, "tea", bearer(bob)))).status, 201)

      const { aud, iss, sub } = provided
      const another = "The token is for another poll or service"
      const cases = [
        [403, another, token({ ...provided, iss: "https://other.example" })],
        [403, another, token({ ...provided, aud: "other" })],
        [403, another, token({ iss, sub })],
        [403, another, token({ aud, sub })],
        [401, "The token has expired", token({ ...provided, exp: now() - 1 })],
        [401, "The token does not say until when it holds (exp)", token({ ...provided, exp: undefined })],
        [401, "The token does not hold yet", token({ ...provided, nbf: now() + 60 })],
        [401, "The token does not hold yet", token({ ...provided, iat: now() + 120 })],
        [401, "The token names no voter (sub)", token({ iss, aud })],
        [401, "The token is not valid", token(provided, "ES256", { key: "unknown" })],
        [401, "The token is not valid", confused({ ...provided, exp: now() + 60 })],
        [401, "The token is not valid", confused({ iss: "tallykeep", aud: slug, sub, exp: now() + 60 })]
      ] as const
      for (const [status, detail, made] of cases) {
        assert.strictEqual(yield* atProvider(refused(slug, bearer(yield* made), status)), detail)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("says when it was issued, by a clock that may be a little ahead", () =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const { atProvider, slug } = yield* makeProviderPoll(url)
      for (const [sub, iat] of [
        ["a", now() - 86_400],
        ["b", now()],
        ["c", now() + 30]
      ] as const) {
        assert.strictEqual(
          (yield* atProvider(voteIn(slug, "tea", bearer(yield* token({ ...provided, sub, iat }))))).status,
          201
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("is one for access, or says nothing of what it is for", () =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const { atProvider, slug } = yield* makeProviderPoll(url)
      for (const typ of [undefined, "JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"]) {
        const made = yield* token({ ...provided, sub: `of ${typ}` }, "RS256", { typ })
        assert.strictEqual((yield* atProvider(voteIn(slug, "tea", bearer(made)))).status, 201, typ)
      }
      for (const typ of ["logout+jwt", "dpop+jwt", "secevent+jwt", "id_token+jwt", "JOSE", ""]) {
        const made = yield* token(provided, "RS256", { typ })
        assert.strictEqual(yield* atProvider(refused(slug, bearer(made), 401)), "The token is not valid", typ)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("is for polls for the provider's users only, as ours are for polls for tokens only", () =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const { atProvider, slug } = yield* makeProviderPoll(url)
      const forOurs = yield* createPoll({ ballot: "once", identity: "token" })
      const theirs = bearer(yield* token(provided))
      assert.strictEqual(yield* atProvider(refused(forOurs, theirs, 401)), "The token is not valid")
      const [ours] = yield* tokensFor(forOurs, 1)
      assert.strictEqual(yield* atProvider(refused(slug, bearer(ours), 401)), "The token is not valid")
      const forged = yield* sign({ iss: "tallykeep", aud: slug, sub: "alice", exp: now() + 60 })
      assert.strictEqual(yield* atProvider(refused(slug, bearer(forged), 401)), "The token is not valid")
      const issued = yield* post(`/api/polls/${slug}/tokens`, { count: 1 }, asAdmin)
      assert.strictEqual(assertProblem(issued, 403).detail, "The poll's voters need no tokens of ours")
      assert.strictEqual((yield* atProvider(voteIn(forOurs, "tea", bearer(ours)))).status, 201)
      assert.strictEqual((yield* atProvider(voteIn(slug, "tea", theirs))).status, 201)
    }).pipe(Effect.scoped)
  )

  it.effect("is of a voter by its issuer and subject", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* makeProvider, yield* makeProvider]
      const { atProvider, slug } = yield* makeProviderPoll(one.url)
      const iss = "https://other.example"
      const atOther = yield* anotherProcess({ ...settingsOf(other.url), jwtIssuer: iss })
      assert.strictEqual((yield* atProvider(voteIn(slug, "tea", bearer(yield* one.token(provided))))).status, 201)
      const alice = bearer(yield* other.token({ ...provided, iss }))
      assert.strictEqual((yield* atOther(voteIn(slug, "coffee", alice))).status, 201)
      yield* untilCounted(slug, { tea: 1, coffee: 1 })
    }).pipe(Effect.scoped)
  )

  it.effect("can't be checked while the provider is away, which is not the token's fault", () =>
    Effect.gen(function* () {
      const { token } = yield* makeProvider
      const { atProvider, slug } = yield* makeProviderPoll("http://127.0.0.1:1/jwks.json")
      const answer = yield* atProvider(voteIn(slug, "tea", bearer(yield* token(provided))))
      assert.strictEqual(assertProblem(answer, 503).detail, "The identity provider does not answer")
      assert.strictEqual(answer.headers["retry-after"], "1")
      assert.strictEqual(yield* atProvider(refused(slug, bearer("a.b.c"), 401)), "The token is not valid")
    }).pipe(Effect.scoped)
  )

  it.effect("is not taken without a JWKS_URL, nor without a VOTER_SECRET, which keys the voters' hashes", () =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const { slug } = yield* makeProviderPoll(url)
      const theirs = bearer(yield* token(provided))
      assert.match(yield* refused(slug, theirs, 403), /JWKS_URL/)
      const withoutSecret = yield* anotherProcess({ ...settingsOf(url), voterSecrets: [] })
      assert.match(yield* withoutSecret(refused(slug, theirs, 403)), /VOTER_SECRET/)
      const created = yield* post("/api/polls", definition({ identity: "provider" }), asAdmin)
      assert.match(String(assertProblem(created, 403).detail), /JWKS_URL/)
    }).pipe(Effect.scoped)
  )
})
