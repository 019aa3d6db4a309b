import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { Defences } from "../../../src/http/Defences.ts"
import { HttpSettings } from "../../../src/http/HttpSettings.ts"
import { Voters } from "../../../src/http/voting/Voters.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { httpSettings } from "../../support/api.ts"
import { noKeyMemory } from "../../support/world.ts"

const voterSecrets = ["what-signs-the-voters-of-these-tests", "what-signed-them-before"]

const layerVoters = Voters.layer.pipe(
  Layer.provide([
    Layer.succeed(HttpSettings, httpSettings({ voterSecrets })),
    Layer.succeed(Defences, { report: (what) => assert.fail(`${what} was reported`) }),
    Layer.mock(VoteStream, { now: () => Date.now(), keyMemory: noKeyMemory })
  ])
)

/** What the ledger knows a voter by, whatever this version remembers. */
const hashIn = ({ slug }: Poll, identity: string) =>
  createHmac("sha256", voterSecrets.at(-1) ?? "")
    .update(`voter\n${slug}\n${identity}`)
    .digest("base64url")
    .slice(0, 22)

const pollOf = (identity: Poll["identity"], slug: string): Poll => ({ ...defaultPoll, identity, slug })

const sender = (headers: Readonly<Record<string, string>>) => ({ headers, peer: "127.0.0.1", source: {} })

describe("a voter's hash", () => {
  it.effect("is the HMAC of the poll and the identity, each time and in each poll", () =>
    Effect.gen(function* () {
      const voters = yield* Voters
      const polls = [
        pollOf("browser", "first"),
        pollOf("browser", "second"),
        { ...pollOf("browser", "third"), ballot: "once" as const }
      ]
      const made = yield* Effect.forEach(
        Array.from({ length: 20 }, () => pollOf("browser", "first")),
        (poll) => voters.identify(poll, sender({}), undefined)
      )
      for (const _ of [1, 2, 3]) {
        for (const voter of made) {
          const cookie = voter?.setCookie?.split(";")[0] ?? ""
          const id = /=([^.]+)\./.exec(cookie)?.[1] ?? ""
          for (const poll of polls) {
            const hash = hashIn(poll, id)
            if (poll.slug === "first") assert.strictEqual(voter?.hash, hash)
            assert.deepStrictEqual(yield* voters.recall(poll, sender({ cookie })), { hash })
            assert.deepStrictEqual(yield* voters.identify(poll, sender({ cookie }), undefined), { hash })
          }
        }
      }
    }).pipe(Effect.provide(layerVoters))
  )

  it.effect("is that of the token's subject, in the token's poll only", () =>
    Effect.gen(function* () {
      const voters = yield* Voters
      const [poll, other] = [pollOf("token", "first"), pollOf("token", "second")]
      for (const token of yield* voters.issueTokens(poll, 20)) {
        const { sub } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())
        const request = sender({ authorization: `Bearer ${token}` })
        for (const _ of [1, 2, 3]) {
          assert.deepStrictEqual(yield* voters.recall(poll, request), { hash: hashIn(poll, sub) })
          assert.strictEqual((yield* Effect.flip(voters.recall(other, request)))._tag, "Forbidden")
        }
      }
    }).pipe(Effect.provide(layerVoters))
  )
})
