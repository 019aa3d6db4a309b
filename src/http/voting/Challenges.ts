import { createHmac } from "node:crypto"
import { createChallenge, randomInt, verifySolution } from "altcha-lib"
import { deriveKey } from "altcha-lib/algorithms/pbkdf2"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { ChallengeSolution, ChallengeView } from "../../domain/Challenge.ts"
import type { Poll } from "../../domain/Poll.ts"
import { ChallengeUnsolved, type Forbidden, NotFound, type Unavailable } from "../../domain/Problems.ts"
import { solutionHeader } from "../../domain/SolutionHeader.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Defences } from "../Defences.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { unavailable } from "./BallotRefusals.ts"
import { missingFor } from "./MissingFor.ts"

/**
 * How much a solution takes: up to `derivations` keys, half of them on average, of `cost` rounds each. In a worker of Chromium
 * that took about 0.1 s on one core of a desktop, and 0.15 to 0.3 s with that core slowed down to a quarter, as for a phone. The service
 * derives one key for each challenge, and none for a vote. Few dear keys rather than many cheap ones: so the time goes into
 * the hash itself, at which a program of one's own is hardly faster than a browser.
 */
const cost = 1_000
const derivations = 400

/** How long a challenge can be solved and its solution be used, in ms. */
const lifetime = 600_000

/** By how much the clocks of two processes may differ, in ms. */
const skew = 60_000

/** No header that holds a solution is longer. */
const maxLength = 2_048

/** Challenges that a vote's sender has to solve, in polls that ask for it. */
export class Challenges extends Context.Service<
  Challenges,
  {
    /** Makes a challenge for one vote in the poll. */
    make(poll: Poll): Effect.Effect<ChallengeView, NotFound | Forbidden>
    /**
     * Uses up the solution that came with a vote in a poll that asks for one. `vote` names the vote: sent again, it may come
     * with the same solution, which no other may.
     */
    spend(
      poll: Poll,
      solution: string | undefined,
      vote: string
    ): Effect.Effect<void, ChallengeUnsolved | Forbidden | Unavailable>
  }
>()("tallykeep/http/voting/Challenges") {
  static readonly layer = Layer.effect(
    Challenges,
    Effect.gen(function* () {
      const settings = yield* HttpSettings
      const stream = yield* VoteStream
      const { report } = yield* Defences
      const clock = yield* Clock.Clock
      const secrets = settings.voterSecrets.map((secret) => {
        const secretFor = (use: string) => createHmac("sha256", secret).update(use).digest("base64url")
        return { hmacSignatureSecret: secretFor("challenge"), hmacKeySignatureSecret: secretFor("challenge key") }
      })
      /** Checks the solution of a challenge that one of the secrets has signed. */
      const verify = async (given: typeof ChallengeSolution.Type) => {
        const results = await Promise.all(secrets.map((each) => verifySolution({ ...given, deriveKey, ...each })))
        return { expired: results.some(({ expired }) => expired), verified: results.some(({ verified }) => verified) }
      }
      // A vote that is sent again is known by its key, and must not be by its solution alone.
      const lasts = Math.min(lifetime, settings.idempotencyTtl)

      const make = Effect.fn("Challenges.make")(function* (poll: Poll) {
        if (poll.challenge === undefined) return yield* new NotFound({ detail: "The poll has no challenge" })
        const missing = missingFor(poll, settings)
        if (missing !== undefined) return yield* missing
        const made = yield* Effect.promise(() =>
          createChallenge({
            algorithm: "PBKDF2/SHA-256",
            cost,
            counter: randomInt(derivations),
            data: { poll: poll.slug },
            deriveKey,
            expiresAt: Math.ceil((clock.currentTimeMillisUnsafe() + lasts) / 1000),
            ...secrets[0]
          })
        )
        return yield* Effect.orDie(decodeView(made))
      })

      /** Returns what was wrong with a solution that is of no use. */
      const refuse = (problem: ChallengeUnsolved): ChallengeUnsolved => {
        report("solutions")
        return problem
      }

      const spend = Effect.fnUntraced(function* (poll: Poll, given: string | undefined, vote: string) {
        const missing = missingFor(poll, settings)
        if (missing !== undefined) return yield* missing
        if (given === undefined) return yield* unsolved
        if (given.length > maxLength) return yield* refuse(wrong)
        const { challenge, solution } = yield* Effect.mapError(decodeSolution(given), () => refuse(wrong))
        const { expired, verified } = yield* Effect.promise(() => verify({ challenge, solution }))
        if (expired) return yield* tooLate
        if (!verified || challenge.parameters.data.poll !== poll.slug) return yield* refuse(wrong)
        const remember = challenge.parameters.expiresAt * 1000 - clock.currentTimeMillisUnsafe() + skew
        const free = yield* Effect.mapError(
          stream.spend({ solution: challenge.signature, vote, remember }),
          () => unavailable
        )
        if (!free) return yield* refuse(spent)
      })

      return Challenges.of({ make, spend })
    })
  )
}

const decodeView = Schema.decodeUnknownEffect(ChallengeView)

const decodeSolution = Schema.decodeUnknownEffect(
  Schema.StringFromBase64.pipe(Schema.decodeTo(Schema.fromJsonString(ChallengeSolution)))
)

const unsolved = new ChallengeUnsolved({
  detail: `This poll takes votes with a solved challenge only, in the header ${solutionHeader}; browsers need JavaScript`
})

const wrong = new ChallengeUnsolved({ detail: "This solves no challenge of this poll; ask for a new one" })

const tooLate = new ChallengeUnsolved({ detail: "The challenge has expired; ask for a new one" })

const spent = new ChallengeUnsolved({ detail: "This solution was used for another vote; ask for a new challenge" })
