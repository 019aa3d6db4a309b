import { connect } from "node:net"
import { Effect, type Scope } from "effect"
import { HttpServer } from "effect/http"

/** An answer as it was received. */
export interface Answer {
  readonly status: number
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** A connection of the test's own, for what no HTTP client would send. */
export interface Wire {
  readonly send: (bytes: string | Buffer) => Effect.Effect<void>
  /** Closes this side; answers may come still. */
  readonly close: Effect.Effect<void>
  /** Returns the next answer, even an interim one; undefined once the server has closed the connection. */
  readonly answer: Effect.Effect<Answer | undefined>
}

/** Finds the first complete answer in what was received, and where it ends. */
const parseAnswer = (received: string, toHead: boolean): readonly [Answer, number] | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const [first = "", ...lines] = received.slice(0, end).split("\r\n")
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(":")
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const status = Number(first.split(" ")[1])
  const empty = toHead || status < 200 || status === 204 || status === 304
  const start = end + 4
  const length = empty ? 0 : Number(headers["content-length"])
  if (received.length < start + length) return undefined
  return [{ status, headers, body: received.slice(start, start + length) }, start + length]
}

/** Returns where the server under test listens. */
export const serverPort = Effect.map(HttpServer.HttpServer, ({ address }) => ("port" in address ? address.port : 0))

/** Connects to a port; `toHead` means that the answers are to HEAD requests. */
export const openWireTo = Effect.fnUntraced(function* (
  port: number,
  toHead = false
): Effect.fn.Return<Wire, never, Scope.Scope> {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => connect(port, "127.0.0.1").setEncoding("latin1")),
    (open) => Effect.sync(() => open.destroy())
  )
  // A reset is the end of the answers, like any other.
  socket.on("error", () => undefined)
  const chunks: AsyncIterator<string> = socket[Symbol.asyncIterator]()
  let received = ""
  const next = async (): Promise<Answer | undefined> => {
    for (;;) {
      const parsed = parseAnswer(received, toHead)
      if (parsed !== undefined) {
        received = received.slice(parsed[1])
        return parsed[0]
      }
      const chunk = await chunks.next().catch(() => ({ done: true as const }))
      if (chunk.done) return undefined
      received += chunk.value
    }
  }
  return {
    send: (bytes) => Effect.sync(() => void socket.write(bytes)),
    close: Effect.sync(() => void socket.end()),
    answer: Effect.promise(next)
  }
})

/** Connects to the server under test. */
export const openWire = (toHead = false) => Effect.flatMap(serverPort, (port) => openWireTo(port, toHead))

/** Sends bytes on a connection of their own, and returns its answers: `count` of them, or fewer if it is closed. */
export const raw = (bytes: string | Buffer, count = 1) =>
  Effect.gen(function* () {
    const wire = yield* openWire()
    yield* wire.send(bytes)
    const answers: Array<Answer> = []
    while (answers.length < count) {
      const answer = yield* wire.answer
      if (answer === undefined) break
      answers.push(answer)
    }
    return answers
  }).pipe(Effect.scoped)
