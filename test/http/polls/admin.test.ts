import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, request } from "../../support/api.ts"
import {
  adminToken,
  asAdmin,
  createPoll,
  definition,
  layerPollsApi,
  layerUncounted,
  post,
  voterSecret
} from "../../support/pollsApi.ts"

layer(layerPollsApi(), { excludeTestServices: true })("the admin's endpoints", (it) => {
  const asked = Effect.fnUntraced(function* (slug: string, headers: { readonly authorization?: string }) {
    const poll = definition({ identity: "token" })
    return [
      yield* post("/api/polls", poll, headers),
      yield* post(`/api/polls/${slug}/tokens`, { count: 1 }, headers),
      yield* request("POST", `/api/polls/${slug}/close`, { headers })
    ]
  })

  it.effect("want the admin's token", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const wrong = [undefined, "", "Bearer", "Bearer wrong", `Basic ${adminToken}`, `Bearer ${adminToken} x`]
      for (const authorization of [...wrong, `Bearer ${adminToken}x`, adminToken]) {
        for (const answer of yield* asked(slug, authorization === undefined ? {} : { authorization })) {
          const { detail } = assertProblem(answer, 401)
          const challenge = answer.headers["www-authenticate"]
          // No error is told to who has not tried (RFC 6750, 3.1).
          if (/^Bearer \S/.test(authorization ?? "")) {
            assert.strictEqual(detail, "The token is not the admin's")
            assert.strictEqual(
              challenge,
              `Bearer realm="tallykeep", error="invalid_token", error_description="${detail}"`
            )
          } else {
            assert.match(String(detail), /The admin's token is needed/)
            assert.strictEqual(challenge, 'Bearer realm="tallykeep"')
          }
          assert.notInclude(answer.body, adminToken)
        }
      }
      assert.strictEqual(json(yield* request("GET", `/api/polls/${slug}`)).status, "open")
      const answers = yield* asked(slug, { authorization: `bearer  ${adminToken}` })
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [201, 201, 200]
      )
      for (const { body, headers } of answers) {
        assert.notInclude(JSON.stringify(headers) + body, adminToken)
        assert.notInclude(JSON.stringify(headers) + body, voterSecret)
      }
    })
  )

  it.effect("make no tokens for a poll that needs none, nor none, nor too many", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      assertProblem(yield* post(`/api/polls/${slug}/tokens`, { count: 1 }, asAdmin), 403)
      const forTokens = yield* createPoll({ identity: "token" })
      for (const count of [0, -1, 1.5, 10_001, "1", null]) {
        const { errors } = assertProblem(yield* post(`/api/polls/${forTokens}/tokens`, { count }, asAdmin), 422)
        assert.deepStrictEqual(
          (errors as ReadonlyArray<{ readonly pointer: string }>).map(({ pointer }) => pointer),
          ["#/count"]
        )
      }
    })
  )
})

layer(layerPollsApi({ adminTokens: [], voterSecrets: [] }), { excludeTestServices: true })(
  "the admin's endpoints without an ADMIN_TOKEN",
  (it) => {
    it.effect("are off, whatever is sent", () =>
      Effect.gen(function* () {
        for (const headers of [{}, asAdmin, { authorization: "Bearer undefined" }]) {
          for (const answer of [
            yield* post("/api/polls", definition(), headers),
            yield* request("POST", "/api/polls/cats-or-dogs/close", { headers }),
            yield* post("/api/polls/cats-or-dogs/tokens", { count: 1 }, headers)
          ]) {
            assert.match(String(assertProblem(answer, 403).detail), /no ADMIN_TOKEN/)
          }
        }
      })
    )
  }
)

layer(layerPollsApi({ voterSecrets: [] }), { excludeTestServices: true })("without a VOTER_SECRET", (it) => {
  it.effect("no polls with voters or a challenge are made", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* post("/api/polls", definition(), asAdmin)).status, 201)
      for (const needs of [{ identity: "browser" }, { identity: "token" }, { challenge: "pow" }] as const) {
        const { detail } = assertProblem(yield* post("/api/polls", definition(needs), asAdmin), 403)
        assert.match(String(detail), /VOTER_SECRET/)
      }
    })
  )
})

const likeVoters = "the-admins.token-looks.like-a-voters"

layer(layerUncounted({ adminTokens: [likeVoters] }), { excludeTestServices: true })("an ADMIN_TOKEN", (it) => {
  it.effect("may have the form of a voter's token", () =>
    Effect.gen(function* () {
      const signIn = (token: string) => post("/api/polls", definition(), { authorization: `Bearer ${token}` })
      assert.strictEqual((yield* signIn(likeVoters)).status, 201)
      assertProblem(yield* signIn(`${likeVoters}-not`), 401)
    })
  )
})
