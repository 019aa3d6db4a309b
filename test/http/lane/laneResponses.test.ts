import { IncomingMessage, type ServerResponse } from "node:http"
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { latest } from "../../../src/http/LastAnswer.ts"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { makeLaneResponses } from "../../../src/http/lane/LaneResponses.ts"
import { makePermission } from "../../../src/http/middleware/Cors.ts"
import { PreparedResponse } from "../../../src/http/PreparedResponse.ts"

const security = { "x-frame-options": "DENY" }
const listed = "http://listed.example"

/** A request from an origin, or from no page, and the answer to it. */
const exchange = (origin?: string) => {
  const request = new IncomingMessage(new Socket())
  request.method = "GET"
  if (origin !== undefined) request.headers.origin = origin
  return { request, response: new PreparedResponse(request), route: "/results", started: performance.now() }
}

const make = Effect.map(Lifecycle, (lifecycle) => {
  const recorded: Array<readonly [string, string, number]> = []
  const responses = makeLaneResponses({
    headers: security,
    permission: makePermission([listed]),
    lifecycle,
    record: (route, method, status) => recorded.push([route, method, status])
  })
  return { lifecycle, recorded, responses }
})

/** The head as it was written, with each header on a line. */
const headOf = (response: ServerResponse): ReadonlyArray<string> => {
  const { _header: head } = response as ServerResponse & { readonly _header: string }
  return head.trim().split("\r\n").sort()
}

describe("the lane's responses", () => {
  it.effect("carry what the middleware puts on each answer, and are recorded", () =>
    Effect.gen(function* () {
      const { recorded, responses } = yield* make
      const asked = exchange()
      responses.send(asked, { status: 201, contentType: "text/plain", headers: { location: "/x" }, body: "é" }, [
        "a",
        "b"
      ])
      const head = headOf(asked.response)
      for (const line of [
        "HTTP/1.1 201 Created",
        "x-frame-options: DENY",
        "vary: Origin",
        "content-type: text/plain",
        "content-length: 2",
        "location: /x",
        "a: b"
      ]) {
        assert.include(head, line)
      }
      assert.deepStrictEqual(recorded, [["/results", "GET", 201]])
    }).pipe(Effect.provide(Lifecycle.layer))
  )

  it.effect("give each origin its own permission, however many there are", () =>
    Effect.gen(function* () {
      const { responses } = yield* make
      const headers = ["cache-control", "no-store"]
      const origins = Array.from({ length: 150 }, (_, index) => `http://${index}.example`)
      for (const origin of [listed, undefined, ...origins, listed, ...origins, undefined, listed, listed]) {
        const asked = exchange(origin)
        responses.writeHead(asked, 200, headers)
        const granted = headOf(asked.response).filter((line) => line.startsWith("access-control-allow-origin"))
        assert.deepStrictEqual(granted, origin === listed ? [`access-control-allow-origin: ${listed}`] : [])
      }
    }).pipe(Effect.provide(Lifecycle.layer))
  )

  it.effect("are their connection's last once the process is stopping", () =>
    Effect.gen(function* () {
      const { lifecycle, responses } = yield* make
      const before = exchange()
      before.response.shouldKeepAlive = true
      responses.writeHead(before, 200, [], 0)
      assert.include(headOf(before.response), "Connection: keep-alive")
      lifecycle.phase = "stopping"
      const after = exchange()
      after.response.shouldKeepAlive = true
      responses.writeHead(after, 200, [], 0)
      assert.include(headOf(after.response), "Connection: close")
    }).pipe(Effect.provide(Lifecycle.layer))
  )

  it.effect("are so also where their client goes on sending, once the shutdown has waited for it", () =>
    Effect.gen(function* () {
      const { lifecycle, responses } = yield* make
      lifecycle.phase = "stopping"
      const answer = () => {
        const asked = exchange()
        Object.assign(asked.request.socket, { [latest]: exchange().response })
        asked.response.shouldKeepAlive = true
        responses.writeHead(asked, 200, [], 0)
        return headOf(asked.response)
      }
      assert.include(answer(), "Connection: keep-alive")
      lifecycle.hurries = true
      assert.include(answer(), "Connection: close")
    }).pipe(Effect.provide(Lifecycle.layer))
  )
})
