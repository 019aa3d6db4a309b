import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { type Gate, openGate } from "./proxy.ts"

/** Answers everything with the same bytes, and remembers what it was sent. */
const withGate = async (use: (gate: Gate, received: () => string) => Promise<void>): Promise<void> => {
  let received = ""
  const echo = createServer((socket) => {
    socket.on("error", () => undefined)
    socket.on("data", (chunk) => {
      received += chunk
      socket.write(chunk)
    })
  }).listen(0, "127.0.0.1")
  await once(echo, "listening")
  const address = echo.address()
  const gate = await openGate(() => (typeof address === "object" && address !== null ? address.port : 0))
  try {
    await use(gate, () => received)
  } finally {
    gate.close()
    echo.close()
  }
}

const dial = async (gate: Gate): Promise<Socket> => {
  const socket = connect(gate.port, "127.0.0.1")
  socket.on("error", () => undefined)
  await once(socket, "connect")
  return socket
}

/** Returns what comes back next; undefined if the connection is closed instead. */
const next = (socket: Socket): Promise<string | undefined> =>
  new Promise((resolve) => {
    socket.once("data", (chunk) => resolve(`${chunk}`))
    socket.once("close", () => resolve(undefined))
  })

const ask = (socket: Socket, text: string): Promise<string | undefined> => {
  socket.write(text)
  return next(socket)
}

describe("a gate", () => {
  it("passes everything on in both directions", () =>
    withGate(async (gate) => {
      const socket = await dial(gate)
      assert.strictEqual(await ask(socket, "one"), "one")
      assert.strictEqual(await ask(socket, "two"), "two")
    }))

  it("drops a reply after the request got through, and lets a new connection be", () =>
    withGate(async (gate, received) => {
      const socket = await dial(gate)
      assert.strictEqual(await ask(socket, "one"), "one")
      const dropping = gate.dropReplies(100)
      assert.strictEqual(await ask(socket, "two"), undefined)
      assert.strictEqual(received(), "onetwo")
      assert.strictEqual(await ask(await dial(gate), "three"), "three")
      assert.strictEqual(await dropping, 1)
    }))

  it("delays without changing the order", () =>
    withGate(async (gate, received) => {
      const socket = await dial(gate)
      await ask(socket, "begin")
      const delaying = gate.delay(50, 100)
      const since = performance.now()
      socket.write("1")
      await delaying
      socket.write("2")
      await next(socket)
      assert.isAtLeast(performance.now() - since, 99)
      assert.strictEqual(received(), "begin12")
    }))

  it("swallows everything for a while, and then closes", () =>
    withGate(async (gate, received) => {
      const socket = await dial(gate)
      await ask(socket, "begin")
      const since = performance.now()
      const hole = gate.blackhole(100)
      assert.strictEqual(await ask(socket, "swallowed"), undefined)
      assert.isAtLeast(performance.now() - since, 90)
      await hole
      assert.strictEqual(received(), "begin")
      assert.strictEqual(await ask(await dial(gate), "again"), "again")
    }))

  it("silences the connections that there are, and lets a new one be", () =>
    withGate(async (gate, received) => {
      const socket = await dial(gate)
      await ask(socket, "begin")
      gate.silence()
      let heard = ""
      socket.on("data", (chunk) => {
        heard += chunk
      })
      socket.write("swallowed")
      assert.strictEqual(await ask(await dial(gate), "again"), "again")
      assert.strictEqual(`${received()} ${heard} ${socket.destroyed}`, "beginagain  false")
    }))
})
