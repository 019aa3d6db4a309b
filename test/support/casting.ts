import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Wire } from "./wire.ts"

/** How many requests are sent before their answers are read. */
const ahead = 1_000

/** Casts bodies of votes in a poll, one behind the other on one connection, and returns once all are accepted. */
export const castOn = Effect.fnUntraced(function* (wire: Wire, poll: string, bodies: ReadonlyArray<unknown>) {
  let left = bodies.map((body) => {
    const text = JSON.stringify(body)
    const head = `POST /api/polls/${poll}/votes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`
    return `${head}Idempotency-Key: ${randomUUID()}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  })
  while (left.length > 0) {
    const sent = left.slice(0, ahead)
    yield* wire.send(sent.join(""))
    const unknown: Array<string> = []
    for (const vote of sent) {
      const answer = yield* wire.answer
      // As clients are told to: a 503 is a vote that may not be there, and is sent again under its key. On a busy machine, Redis
      // may take longer to write to its disk than an append waits.
      if (answer?.status === 503) unknown.push(vote)
      else assert.strictEqual(answer?.status, 201, answer?.body)
    }
    left = [...unknown, ...left.slice(sent.length)]
  }
})
