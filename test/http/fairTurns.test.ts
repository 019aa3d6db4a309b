import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { inFairTurns, makeTurns } from "../../src/http/FairTurns.ts"
import { PreparedResponse } from "../../src/http/PreparedResponse.ts"

/** Many times what Node reads of a connection at once. */
const many = 20_000
const one = "GET / HTTP/1.1\r\nHost: here\r\n\r\n"

describe("fair turns", () => {
  it("read no more of a connection on which requests wait, and begin all in order", async () => {
    let [arrived, begun, most] = [0, 0, 0]
    const inTurns = inFairTurns((request, response) => {
      assert.strictEqual(request.url, `/${begun++}`)
      response.writeHead(204).end()
    })
    const server = createServer({ ServerResponse: PreparedResponse<IncomingMessage> }, (request, response) => {
      arrived++
      inTurns(request, response)
      most = Math.max(most, arrived - begun)
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1").resume()
    try {
      client.write(Array.from({ length: many }, (_, index) => one.replace("/", `/${index}`)).join(""))
      while (begun < many) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.isAbove(most, 1)
      // What comes with one read: 64 KiB.
      assert.isAtMost(most, 65_536 / one.length)
    } finally {
      client.destroy()
      server.close()
    }
  })

  it("let so many go on in each turn, in order, those who come later as well", async () => {
    const turn = makeTurns(2)
    const gone: Array<string> = []
    const start = (name: string) => Effect.runFork(Effect.map(turn, () => gone.push(name)))
    for (const name of ["a", "b", "c", "d"]) start(name)
    assert.deepStrictEqual(gone, [])
    await setImmediate()
    assert.deepStrictEqual(gone, ["a", "b"])
    start("e")
    await setImmediate()
    assert.deepStrictEqual(gone, ["a", "b", "c", "d"])
    await setImmediate()
    assert.deepStrictEqual(gone, ["a", "b", "c", "d", "e"])
    const left = start("f")
    start("g")
    await Effect.runPromise(Fiber.interrupt(left))
    await setImmediate()
    assert.strictEqual(gone.join(""), "abcdeg")
  })
})
