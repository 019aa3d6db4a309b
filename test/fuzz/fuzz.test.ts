import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeDatabase } from "../support/databases.ts"
import { uniqueName } from "../support/names.ts"
import { redisUrl } from "../support/servers.ts"
import { fuzz } from "./fuzz.ts"

describe("script/fuzz", () => {
  it.live("finds nothing wrong in a short run", () =>
    Effect.gen(function* () {
      const databaseUrl = Redacted.value(yield* makeDatabase)
      const servers = { redisUrl: Redacted.value(redisUrl()), databaseUrl, stream: uniqueName("votes") }
      const { problems, tally } = yield* fuzz(servers, { seed: 1, requests: 2_000, timed: false })
      assert.deepStrictEqual(problems, [])
      const seen = new Set([...tally.statuses.values()].flatMap((counts) => [...counts.keys()]))
      // Unless the requests reach every endpoint, this proves nothing.
      const wanted = [200, 201, 204, 303, 304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 431]
      assert.includeMembers([...seen], wanted.map(String))
    }).pipe(Effect.scoped)
  )
})
