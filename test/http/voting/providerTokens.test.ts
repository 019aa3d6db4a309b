import { createSign, generateKeyPairSync } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose"
import { vi } from "vitest"
import { Unavailable } from "../../../src/domain/Problems.ts"
import { type Jwt, parseJwt } from "../../../src/http/voting/Jwt.ts"
import { makeProviderTokens } from "../../../src/http/voting/ProviderTokens.ts"
import { invalid } from "../../../src/http/voting/TokenRefusals.ts"

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"]

/** A provider that shows whatever keys it has at the moment. */
class Provider extends Context.Service<Provider, { readonly url: string; keys: Array<JWK>; asked: number }>()(
  "tallykeep/test/Provider"
) {
  static readonly layer = Layer.effect(
    Provider,
    Effect.gen(function* () {
      const provider = { url: "", keys: [] as JWK[], asked: 0 }
      const server = createServer((_, response) => {
        provider.asked++
        response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: provider.keys }))
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
        () => Effect.sync(() => server.closeAllConnections() ?? server.close())
      )
      provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
      return provider
    })
  )
}

const issuer = "https://id.example"
const audience = "votes"

const makeKey = (alg: string, kid: string) =>
  Effect.promise(async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid } }
  })

const tokenOf = (key: Key, alg: string, kid: string) =>
  Effect.promise(async () => {
    const text = await new SignJWT({ iss: issuer, aud: audience, sub: "alice" })
      .setProtectedHeader({ alg, kid })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(key)
    return parseJwt(text) ?? assert.fail(text)
  })

/** With one bit of the signature, or of what is signed, the other way round. */
const spoilt = (token: Jwt): ReadonlyArray<Jwt> => {
  const signature = Buffer.from(token.signature, "base64url")
  signature[signature.length >> 1] = (signature[signature.length >> 1] ?? 0) ^ 1
  return [
    { ...token, signature: signature.toString("base64url") },
    { ...token, signature: token.signature.slice(0, -4) },
    { ...token, signature: "AA" },
    { ...token, signed: `${token.signed}A` }
  ]
}

const verifier = Effect.map(Provider, ({ url }) =>
  makeProviderTokens({ jwksUrl: url, jwtIssuer: issuer, jwtAudience: audience })
)

const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

layer(Provider.layer)("a provider's token", (it) => {
  it.effect("has a right signature by any of the algorithms, and by the one that its header names", () =>
    Effect.gen(function* () {
      const provider = yield* Provider
      const made = yield* Effect.forEach(algorithms, (alg) => makeKey(alg, alg), { concurrency: 2 })
      provider.keys = made.map(({ jwk }) => jwk)
      const { verify } = yield* verifier
      for (const { alg, privateKey } of made) {
        const token = yield* tokenOf(privateKey, alg, alg)
        assert.strictEqual(yield* Effect.promise(() => verify(token)), `${issuer}\nalice`, alg)
        const wrong = [
          ...spoilt(token),
          ...algorithms.filter((other) => other !== alg).map((other) => ({ ...token, alg: other }))
        ]
        for (const each of [
          ...wrong,
          { ...token, alg: "HS256" },
          { ...token, alg: "none" },
          { ...token, kid: "another" }
        ]) {
          const refusal = yield* Effect.promise(() => verify(each))
          assert.propertyVal(refusal, "detail", "The token is not valid", `${alg} as ${each.alg}`)
        }
      }
    })
  )

  it.effect("is not taken with a key that is not among those that the provider shows", () =>
    Effect.gen(function* () {
      const provider = yield* Provider
      const [former, present] = [yield* makeKey("ES256", "former"), yield* makeKey("ES256", "present")]
      const token = yield* tokenOf(former.privateKey, "ES256", "former")
      provider.keys = [former.jwk]
      const before = yield* verifier
      assert.strictEqual(yield* Effect.promise(() => before.verify(token)), `${issuer}\nalice`)
      provider.keys = [present.jwk]
      const asked = provider.asked
      const after = yield* verifier
      assert.propertyVal(yield* Effect.promise(() => after.verify(token)), "detail", "The token is not valid")
      assert.strictEqual(provider.asked, asked + 1)
    })
  )

  it.effect("that was taken before is looked at again: it expires, and its key may be replaced", () =>
    Effect.gen(function* () {
      const provider = yield* Provider
      const [key, next] = [yield* makeKey("ES256", "lasting"), yield* makeKey("ES256", "lasting")]
      const token = yield* tokenOf(key.privateKey, "ES256", "lasting")
      provider.keys = [key.jwk]
      const { verify } = yield* verifier
      const now = Date.now()
      const clock = vi.spyOn(Date, "now")
      yield* Effect.addFinalizer(() => Effect.sync(() => clock.mockRestore()))
      const verifyIn = (minutes: number) => {
        clock.mockReturnValue(now + minutes * 60_000)
        return Effect.promise(() => verify(token))
      }
      for (const minutes of [0, 1, 59]) assert.strictEqual(yield* verifyIn(minutes), `${issuer}\nalice`)
      assert.propertyVal(yield* verifyIn(61), "detail", "The token has expired")
      assert.strictEqual(yield* verifyIn(1), `${issuer}\nalice`)
      provider.keys = [next.jwk]
      // jose asks for the keys again after ten minutes.
      assert.propertyVal(yield* verifyIn(90), "detail", "The token is not valid")
      assert.propertyVal(yield* verifyIn(1), "detail", "The token is not valid")
    }).pipe(Effect.scoped)
  )

  it.effect("is taken 5 s after its key was first used, however many name keys that there are not", () =>
    Effect.gen(function* () {
      const provider = yield* Provider
      const [key, next] = [yield* makeKey("ES256", "first"), yield* makeKey("ES256", "next")]
      const token = yield* tokenOf(next.privateKey, "ES256", "next")
      const forged = yield* tokenOf(next.privateKey, "ES256", "unknown")
      provider.keys = [key.jwk]
      const { verify } = yield* verifier
      const now = Date.now()
      const clock = vi.spyOn(Date, "now")
      yield* Effect.addFinalizer(() => Effect.sync(() => clock.mockRestore()))
      const verifyAt = (seconds: number, token: Jwt) => {
        clock.mockReturnValue(now + seconds * 1_000)
        return Effect.promise(() => verify(token))
      }
      const asked = provider.asked
      for (let second = 0; second < 20; second++) yield* verifyAt(second, forged)
      assert.isAtMost(provider.asked - asked, 1 + 20 / 5)
      provider.keys = [key.jwk, next.jwk]
      assert.strictEqual(yield* verifyAt(26, token), `${issuer}\nalice`)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "is not even looked at where one of the settings is missing, and is nobody's fault where there is no provider",
    () =>
      Effect.gen(function* () {
        const { privateKey } = yield* makeKey("ES256", "a")
        const token = yield* tokenOf(privateKey, "ES256", "a")
        const all = { jwksUrl: "http://127.0.0.1:1/jwks.json", jwtIssuer: issuer, jwtAudience: audience }
        const verified = (settings: object) =>
          Effect.promise(() => makeProviderTokens({ ...all, ...settings }).verify(token))
        for (const name of ["jwksUrl", "jwtIssuer", "jwtAudience"]) {
          assert.strictEqual(yield* verified({ [name]: undefined }), invalid, name)
        }
        assert.instanceOf(yield* verified({}), Unavailable)
      })
  )

  it.effect("is not taken where its RSA key is shorter than 2,048 bits", () =>
    Effect.gen(function* () {
      const provider = yield* Provider
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 })
      provider.keys = [{ ...(publicKey.export({ format: "jwk" }) as JWK), alg: "RS256", kid: "short" }]
      const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url")
      const exp = Math.floor(Date.now() / 1000) + 60
      const signed = `${encode({ alg: "RS256", kid: "short" })}.${encode({ iss: issuer, aud: audience, sub: "alice", exp })}`
      const signature = createSign("sha256").update(signed).sign(privateKey, "base64url")
      const token = parseJwt(`${signed}.${signature}`) ?? assert.fail(signed)
      const { verify } = yield* verifier
      assert.propertyVal(yield* Effect.promise(() => verify(token)), "detail", "The token is not valid")
    })
  )
})
