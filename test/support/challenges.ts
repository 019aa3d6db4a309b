import { createHmac } from "node:crypto"
import { assert } from "@effect/vitest"
import {
  type Challenge,
  type CreateChallengeOptions,
  createChallenge,
  type Payload,
  type Solution,
  solveChallenge
} from "altcha-lib"
import { deriveKey } from "altcha-lib/algorithms/pbkdf2"
import { Effect } from "effect"
import { json, request } from "./api.ts"
import { voterSecret } from "./pollsApi.ts"

const signed = { algorithm: "PBKDF2/SHA-256", cost: 1, counter: 1, deriveKey }

/** Makes a challenge as the service does, but one that is solved at once. */
export const makeChallenge = (
  poll: string,
  overrides: Partial<CreateChallengeOptions> = {},
  secret = voterSecret
): Effect.Effect<Challenge> => {
  const secretFor = (use: string) => createHmac("sha256", secret).update(use).digest("base64url")
  return Effect.promise(() =>
    createChallenge({
      ...signed,
      data: { poll },
      expiresAt: Math.ceil(Date.now() / 1000) + 600,
      hmacSignatureSecret: secretFor("challenge"),
      hmacKeySignatureSecret: secretFor("challenge key"),
      ...overrides
    })
  )
}

/** Asks the service for a challenge. */
export const askChallenge = (slug: string) =>
  Effect.map(request("GET", `/api/polls/${slug}/challenge`), (answer) => {
    assert.strictEqual(answer.status, 200, answer.body)
    return json(answer) as unknown as Challenge
  })

const solve = (challenge: Challenge): Effect.Effect<Solution> =>
  Effect.promise(async () => (await solveChallenge({ challenge, deriveKey })) ?? assert.fail("not solved"))

/** Solves a challenge, and gives what a vote brings of it. */
export const payloadOf = (challenge: Challenge): Effect.Effect<Payload> =>
  Effect.map(solve(challenge), (solution) => ({ challenge, solution }))

/** The header that holds a solution, or whatever else is sent for one. */
export const solutionOf = (payload: unknown) => ({
  "challenge-solution": Buffer.from(JSON.stringify(payload)).toString("base64")
})

/** A solution for one vote in the poll, as the header that holds it. */
export const solutionFor = (slug: string) => Effect.map(Effect.flatMap(makeChallenge(slug), payloadOf), solutionOf)
