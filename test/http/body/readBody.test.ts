import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { BodyTooLarge, Malformed } from "../../../src/domain/Problems.ts"
import { readBody } from "../../../src/http/body/ReadBody.ts"

/** Starts reading the body of a request that the test sends piece by piece; gives it, and what was read in the end. */
const reading = Effect.fnUntraced(function* (limit: number) {
  const done = yield* Deferred.make<Buffer, BodyTooLarge | Malformed>()
  const app = HttpServerRequest.HttpServerRequest.pipe(
    Effect.flatMap((request) => Effect.exit(readBody(request, limit))),
    Effect.flatMap((exit) => Deferred.done(done, exit)),
    Effect.as(HttpServerResponse.empty())
  )
  const handler = yield* NodeHttpServer.makeHandler(app, { scope: yield* Effect.scope })
  const message = new IncomingMessage(new Socket())
  message.method = "POST"
  message.url = "/"
  handler(message, new ServerResponse(message))
  return { message, read: Deferred.await(done) }
})

describe("readBody", () => {
  it.effect("gives the pieces as one, and nothing for nothing", () =>
    Effect.gen(function* () {
      for (const pieces of [[], ["cats"], ["ca", "", "ts"]]) {
        const { message, read } = yield* reading(4)
        for (const piece of pieces) message.push(piece)
        message.push(null)
        assert.strictEqual((yield* read).toString(), pieces.join(""))
      }
    })
  )

  it.effect("fails where the request goes away before its end", () =>
    Effect.gen(function* () {
      const { message, read } = yield* reading(4)
      message.push("ca")
      message.destroy()
      const { _tag, detail } = yield* Effect.flip(read)
      assert.deepStrictEqual({ _tag, detail }, { _tag: "Malformed", detail: "The request's body ended early" })
    })
  )

  it.effect("reads nothing more once it is too long, and leaves no listener behind", () =>
    Effect.gen(function* () {
      const { message, read } = yield* reading(4)
      message.push("cats")
      message.push("!")
      message.push("never read")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(read)))
      assert.isTrue(message.isPaused())
      assert.strictEqual(message.listenerCount("data"), 0)
    })
  )
})
