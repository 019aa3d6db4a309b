import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { makeOwnTokens } from "../../../src/http/voting/OwnTokens.ts"
import { makeSign } from "../../../src/http/voting/Signatures.ts"
import { makeVoterCookie } from "../../../src/http/voting/VoterCookie.ts"

const secrets = ["what-signs-the-voters-of-these-tests", "what-signed-them-before", "what-nobody-has-any-more"]
const checked = secrets.slice(0, 2)

const start = 1_700_000_000_000
const day = 86_400_000
const slugs = ["one", "other"]
const polls = slugs.map((slug) => ({ ...defaultPoll, slug }))

/** A token by each secret for each poll, of a poll that closes soon and of one that stays open. */
const tokens = Effect.runSync(
  Effect.forEach(secrets, (secret) =>
    Effect.forEach(polls, (poll) =>
      Effect.forEach([{ closesMs: start + day }, {}], (closing) =>
        makeOwnTokens([secret], () => start).issue({ ...poll, ...closing }, 1)
      )
    )
  )
).flat(3)

const oneOf = (length: number) => Schema.Literals(Array.from({ length }, (_, index) => index))

const Asked = Schema.Struct({
  token: oneOf(tokens.length),
  /** How it was spoilt. */
  spoilt: Schema.Literals(["", "", "", "A", ".", "x.y"]),
  poll: oneOf(polls.length),
  time: Schema.Literals([
    start - 1,
    start,
    start + 90 * day - 1,
    start + 90 * day,
    start + 91 * day - 1,
    start + 91 * day
  ])
})

describe("what is remembered of voters", () => {
  it.prop(
    "changes nothing about who is taken for whom, at any time and in any poll",
    [Schema.Array(Asked)],
    ([all]) => {
      let now = start
      const known = makeOwnTokens(checked, () => now)
      for (const { poll, spoilt, time, token } of all) {
        now = time
        const given = `${tokens[token]}${spoilt}`
        const [in_ = defaultPoll] = polls.slice(poll)
        const unknown = makeOwnTokens(checked, () => now).verify(in_, given)
        assert.deepStrictEqual(known.verify(in_, given), unknown)
        // Those that are taken are of one of our secrets, for this poll, and have not expired.
        if (typeof unknown === "string") assert.isBelow(token, 8)
      }
    }
  )

  it.prop(
    "changes nothing about whose a cookie is",
    [
      Schema.Array(
        Schema.Tuple([oneOf(secrets.length), Schema.Literals(["ann", "bob"]), Schema.Literals(["", "", "A", ".A"])])
      )
    ],
    ([all]) => {
      const settings = { production: true, trustProxy: 0 }
      const known = makeVoterCookie(settings, checked.map(makeSign))
      for (const [secret, id, spoilt] of all) {
        const cookie = `a=b; __Host-tallykeep_voter=${id}.${makeSign(secrets[secret] ?? "")(id)}${spoilt}`
        const read = (from: typeof known) => {
          let refused = 0
          return [from.read({ headers: { cookie } }, () => refused++), refused]
        }
        assert.deepStrictEqual(read(known), read(makeVoterCookie(settings, checked.map(makeSign))))
        assert.deepStrictEqual(read(known)[0], secret < 2 && spoilt === "" ? id : undefined)
      }
    }
  )

  it("spares the signatures of a cookie that comes again, and no others", () => {
    let signed = 0
    const sign = (id: string) => {
      signed++
      return `signed-${id.length}`
    }
    const { read } = makeVoterCookie({ production: false, trustProxy: 0 }, [sign])
    const ask = (cookie: string) => read({ headers: { cookie: `tallykeep_voter=${cookie}` } }, () => undefined)
    for (const _ of [1, 2, 3]) assert.strictEqual(ask("ann.signed-3"), "ann")
    assert.strictEqual(signed, 1)
    for (const _ of [1, 2, 3]) assert.isUndefined(ask("eve.forged-3"))
    assert.strictEqual(signed, 4)
  })
})
