import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { HttpServerRequest } from "effect/http"
import { withFallback } from "../../../src/http/middleware/Fallback.ts"
import { collectLog } from "../../support/collectLog.ts"

const fallback = withFallback({ methodsOf: () => [], nowhere: "Nothing" })

const asked = Effect.provideService(
  HttpServerRequest.HttpServerRequest,
  HttpServerRequest.fromWeb(new Request("http://localhost/x"))
)

describe("withFallback", () => {
  it.effect("leaves an interruption what it is: the client is gone", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(asked(fallback(Effect.interrupt)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    }).pipe(Effect.scoped)
  )

  it.effect("answers a failure of ours with a 500, and logs it", () =>
    Effect.gen(function* () {
      const log = collectLog()
      const { status } = yield* asked(fallback(Effect.die(new Error("a mistake")))).pipe(Effect.provide(log.layer))
      assert.strictEqual(status, 500)
      assert.lengthOf(log.like(/GET \/x failed/), 1)
    }).pipe(Effect.scoped)
  )
})
