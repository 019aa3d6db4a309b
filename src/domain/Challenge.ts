import { Schema } from "effect"
import { PollSlug } from "./Poll.ts"

/*
 * A proof of work in the format of ALTCHA, version 2: the browser looks for the counter from which a key with the given prefix
 * is derived, which takes it a moment, and a machine that votes over and over as long each time.
 */

const Hex = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2})+$/, { expected: "hex digits" }))

/** What is to be solved, signed by the service. */
export const ChallengeView = Schema.Struct({
  parameters: Schema.Struct({
    algorithm: Schema.String.annotate({ examples: ["PBKDF2/SHA-256"] }),
    cost: Schema.Int.annotate({ description: "How many rounds each derivation takes" }),
    data: Schema.Struct({ poll: PollSlug }),
    expiresAt: Schema.Int.annotate({ description: "In s since 1970; a solution is taken until then" }),
    keyLength: Schema.Int.annotate({ description: "In bytes" }),
    keyPrefix: Hex.annotate({ description: "What the key to be found begins with" }),
    keySignature: Hex,
    nonce: Hex,
    salt: Hex
  }),
  signature: Hex
})
export type ChallengeView = typeof ChallengeView.Type

/** A challenge with its solution. A widget of ALTCHA's tells more about it, which does not matter. */
export const ChallengeSolution = Schema.Struct({
  challenge: ChallengeView,
  solution: Schema.Struct({ counter: Schema.Int, derivedKey: Hex })
})
