// Who votes: what tallykeep checks of a cookie or a token, by node:crypto, with nothing around it.
import { createHmac, createPublicKey, createSecretKey, randomUUID, timingSafeEqual, verify } from "node:crypto"

const { JWKS_URL, JWT_AUDIENCE, JWT_ISSUER, VOTER_SECRET = "" } = process.env

const hmac = (key, text) => createHmac("sha256", key).update(text).digest("base64url")
const voterKey = createSecretKey(Buffer.from(VOTER_SECRET))
const digest = (text) => hmac(voterKey, text).slice(0, 22)
const tokenKey = createSecretKey(createHmac("sha256", voterKey).update("token").digest())

const isSame = (given, expected) =>
  given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected))

const decode = (part) => JSON.parse(Buffer.from(part, "base64url").toString())

const byCookie = ({ cookie = "" }) => {
  const [id, signature = ""] = (/(?:^|; )__Host-tallykeep_voter=([^;]+)/.exec(cookie)?.[1] ?? "").split(".")
  return isSame(signature, digest(`cookie\n${id}`)) ? { id } : undefined
}

const asNew = () => {
  const id = randomUUID()
  const cookie = `__Host-tallykeep_voter=${id}.${digest(`cookie\n${id}`)}`
  return { id, setCookie: `${cookie}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure` }
}

const byToken = (issuer, audience, isSigned) => (headers) => {
  const [header, payload, signature] = (headers.authorization ?? "").replace("Bearer ", "").split(".")
  if (!isSigned(decode(header), `${header}.${payload}`, signature)) return undefined
  const { aud, exp, iss, sub } = decode(payload)
  return iss === issuer && aud === audience && exp > Date.now() / 1000 ? { id: sub } : undefined
}

const ours = ({ alg }, signed, signature) => alg === "HS256" && isSame(signature, hmac(tokenKey, signed))

const fetchKeys = async () => {
  const { keys } = await (await fetch(JWKS_URL)).json()
  // With options beside the key, Node 24 takes much longer.
  const make = (key) => Object.assign(createPublicKey({ key, format: "jwk" }), { dsaEncoding: "ieee-p1363" })
  return new Map(keys.map((key) => [key.kid, make(key)]))
}
const keys = JWKS_URL === undefined ? new Map() : await fetchKeys()

const theirs =
  (wanted) =>
  ({ alg, kid }, signed, signature) =>
    alg === wanted && verify("sha256", Buffer.from(signed), keys.get(kid), Buffer.from(signature, "base64url"))

const checks = {
  browser: byCookie,
  "new-voter": asNew,
  token: byToken("tallykeep", "token", ours),
  rs256: byToken(JWT_ISSUER, JWT_AUDIENCE, theirs("RS256")),
  es256: byToken(JWT_ISSUER, JWT_AUDIENCE, theirs("ES256"))
}

/** The polls with voters, by path: what tells from a request's headers who votes, with the hash that the stream gets. */
export const polls = new Map(
  Object.entries(checks).map(([poll, check]) => [
    `/api/polls/${poll}/votes`,
    (headers) => {
      const voter = check(headers)
      return voter && { ...voter, poll, hash: digest(`voter\n${poll}\n${voter.id}`) }
    }
  ])
)
