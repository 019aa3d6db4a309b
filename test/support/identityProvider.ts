import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose"

/** An identity provider on loopback, with keys of its own: for RS256 and for ES256. */
export const makeProvider = Effect.gen(function* () {
  const keys = yield* Effect.promise(async () => ({
    RS256: await generateKeyPair("RS256"),
    ES256: await generateKeyPair("ES256"),
    unknown: await generateKeyPair("ES256")
  }))
  const jwks = yield* Effect.promise(async () => ({
    keys: await Promise.all(
      (["RS256", "ES256"] as const).map(async (alg) => ({ ...(await exportJWK(keys[alg].publicKey)), alg, kid: alg }))
    )
  }))
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(jwks))
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  const { port } = server.address() as AddressInfo

  /** Makes a token of the provider's, issued now and valid for an hour unless the claims say otherwise. */
  const token = (
    claims: { readonly [Claim in keyof JWTPayload]: JWTPayload[Claim] | undefined },
    alg: "RS256" | "ES256" = "RS256",
    { key = alg, typ }: { readonly key?: keyof typeof keys; readonly typ?: string | undefined } = {}
  ) => {
    const seconds = Math.floor(Date.now() / 1000)
    // JSON leaves out what is undefined.
    const payload = JSON.parse(JSON.stringify({ iat: seconds, exp: seconds + 3_600, ...claims }))
    const header = { alg, kid: alg, ...(typ === undefined ? {} : { typ }) }
    return Effect.promise(() => new SignJWT(payload).setProtectedHeader(header).sign(keys[key].privateKey))
  }

  /** Makes a token signed with the public key as a secret, to fool a verifier that lets tokens choose the algorithm. */
  const confused = (claims: JWTPayload) =>
    Effect.promise(async () => {
      const secret = new TextEncoder().encode(await exportSPKI(keys.RS256.publicKey))
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "RS256" }).sign(secret)
    })

  return { url: `http://127.0.0.1:${port}/jwks.json`, token, confused }
})
