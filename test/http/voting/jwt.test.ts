import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { decodeProtectedHeader, errors, jwtVerify } from "jose"
import { parseJwt, readClaims, readSubject } from "../../../src/http/voting/Jwt.ts"

const now = 1_700_000_000
const issuer = "https://id.example"
const audience = "votes"

/** What jose says of the same token, in our words; the voter where it is good. */
const byJose = async (token: string): Promise<string> => {
  try {
    const { typ = "JWT" } = decodeProtectedHeader(token)
    if (!["jwt", "at+jwt"].includes(String(typ).toLowerCase().replace("application/", "")))
      return "The token is not valid"
    const { payload } = await jwtVerify(token, key, {
      issuer,
      audience,
      algorithms: ["HS256"],
      requiredClaims: ["exp"],
      currentDate: new Date(now * 1000)
    })
    return payload.sub === undefined || payload.sub === "" ? "The token names no voter (sub)" : payload.sub
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "The token has expired"
    if (error instanceof errors.JWTClaimValidationFailed && error.reason !== "invalid") {
      if (error.claim === "exp") return "The token does not say until when it holds (exp)"
      return error.claim === "nbf" ? "The token does not hold yet" : "The token is for another poll or service"
    }
    return "The token is not valid"
  }
}

const byUs = (token: string): string => {
  const parsed = parseJwt(token)
  if (parsed === undefined || parsed.alg !== "HS256") return "The token is not valid"
  const subject = readSubject(readClaims(parsed), { issuer, audience, now, skew: Number.POSITIVE_INFINITY })
  return typeof subject === "string" ? subject : `${subject.detail}`
}

const key = Buffer.from("what-signs-the-tokens-of-this-test")

const encode = (text: string | Buffer) => Buffer.from(text).toString("base64url")

const sign = (header: string | Buffer, payload: string | Buffer): string => {
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`
}

const times = Schema.Literals([now - 1, now, now + 1, now + 0.5, -1, Number.MAX_SAFE_INTEGER])
const nonsense = Schema.Union([
  Schema.Null,
  Schema.Boolean,
  Schema.String,
  Schema.Array(Schema.Literals([audience, 1]))
])

/** Claims that are mostly right. */
const Claims = Schema.Struct({
  iss: Schema.optionalKey(Schema.Union([Schema.Literals([issuer, issuer, issuer, "another"]), nonsense])),
  aud: Schema.optionalKey(
    Schema.Union([
      Schema.Literals([audience, audience, audience, "another"]),
      Schema.Array(Schema.Literals([audience, "another"])),
      nonsense
    ])
  ),
  exp: Schema.optionalKey(Schema.Union([times, times, nonsense])),
  nbf: Schema.optionalKey(Schema.Union([times, times, nonsense])),
  iat: Schema.optionalKey(Schema.Union([times, times, nonsense])),
  sub: Schema.optionalKey(Schema.Literals(["alice", "bob", ""])),
  __proto__: Schema.optionalKey(Schema.Literals(["x"]))
})

describe("a token", () => {
  it.effect.prop(
    "is read as jose reads it",
    [Claims],
    ([claims]) =>
      Effect.gen(function* () {
        const token = sign('{"alg":"HS256"}', JSON.stringify(claims))
        assert.strictEqual(byUs(token), yield* Effect.promise(() => byJose(token)), JSON.stringify(claims))
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("has the header and form that jose takes", () =>
    Effect.gen(function* () {
      const good = JSON.stringify({ iss: issuer, aud: audience, exp: now + 60, sub: "alice" })
      const plain = '{"alg":"HS256"}'
      const tokens = [
        sign(plain, good),
        sign(' { "typ" : "JWT", "alg":"HS256", "kid":"k" } ', good),
        sign('{"alg":"HS256","typ":"logout+jwt"}', good),
        sign('{"alg":"HS256","typ":1}', good),
        sign('{"alg":"HS256","crit":["exp"],"exp":1}', good),
        sign('{"alg":"HS256","crit":[]}', good),
        sign('{"alg":"HS256","crit":["b64"],"b64":false}', good),
        sign('{"alg":["HS256"]}', good),
        sign('{"alg":"none"}', good),
        sign("{}", good),
        sign("null", good),
        sign("[]", good),
        sign("", good),
        sign(Buffer.from([0x7b, 0xff, 0x7d]), good),
        sign(plain, ""),
        sign(plain, "null"),
        sign(plain, "[1]"),
        sign(plain, '"text"'),
        sign(plain, `${good}x`),
        sign(plain, Buffer.concat([Buffer.from(good.slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])])),
        sign(plain, good.replace("}", ',"sub":"twice"}')),
        sign(plain, good).replace(".", ".."),
        `${sign(plain, good)}.`,
        sign(plain, good).split(".").slice(0, 2).join(".")
      ]
      const said = new Set<string>()
      for (const token of tokens) {
        const ours = byUs(token)
        said.add(ours)
        assert.strictEqual(ours, yield* Effect.promise(() => byJose(token)), token)
      }
      assert.deepStrictEqual([...said], ["alice", "The token is not valid", "twice"])
    })
  )
})
