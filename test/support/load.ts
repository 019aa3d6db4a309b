import { randomUUID } from "node:crypto"
import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect, type Scope } from "effect"

/** What a 201 returned. */
export interface Receipt {
  readonly voteId: string
  readonly streamId: string
}

export interface LoadOptions {
  /** Returns where a connection sends its next vote. */
  readonly url: (connection: number) => string
  /** How many votes are on their way at once, each on a connection that is kept. */
  readonly connections: number
  /** From a connection's vote to its next, in ms; delays are caught up. Without it, the next follows each answer. */
  readonly pace?: number
  /** How many votes in all; without it, the load goes on until it is stopped. */
  readonly votes?: number
  /** Whether each vote has an Idempotency-Key, and is sent again until it is accepted. */
  readonly retry?: boolean
}

export interface Load {
  readonly receipts: ReadonlyArray<Receipt>
  /**
   * How often each outcome occurred: a status, or `refused` (no connection was made), `reset` (a new connection was lost
   * before the answer began), `reset kept` (the same for one that had carried requests before), or `cut off` (an answer
   * began and did not end).
   */
  readonly outcomes: Readonly<Record<string, number>>
  /** Waits until all votes are sent and answered. */
  readonly done: Effect.Effect<void>
  /** Begins no new votes, and waits until those under way are answered; with `retry`, until they are accepted. */
  readonly finish: Effect.Effect<void>
  /** Sends nothing more, and waits for the answers on their way. */
  readonly stop: Effect.Effect<void>
}

/** Delays longer than this are not caught up, in ms: a program that was away must not be overrun when it is back. */
const mostLate = 1_000
/** The pause after a failure, in ms, so that the next try does not keep a processor busy. */
const pause = 20
/** In ms. The program answers within a second or so, whatever is away. */
const answerTimeout = 15_000

const bodies = [JSON.stringify({ option: "cats" }), JSON.stringify({ option: "dogs" })] as const

/** Starts to vote for cats and dogs in turn; the scope's end drops what is still on its way. */
export const startLoad = Effect.fnUntraced(function* (
  options: LoadOptions
): Effect.fn.Return<Load, never, Scope.Scope> {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ keepAlive: true, maxSockets: options.connections })),
    (made) => Effect.sync(() => made.destroy())
  )
  const receipts: Array<Receipt> = []
  const outcomes: Record<string, number> = {}
  let left = options.votes ?? Number.POSITIVE_INFINITY
  let stopped = false

  const connection = async (index: number): Promise<void> => {
    let due = performance.now()
    while (left > 0 && !stopped) {
      left--
      const key = options.retry ? randomUUID() : undefined
      const body = bodies[left % 2 === 0 ? 0 : 1]
      for (;;) {
        const answer = await send(agent, options.url(index), body, key)
        outcomes[answer.outcome] = (outcomes[answer.outcome] ?? 0) + 1
        if (answer.receipt !== undefined) receipts.push(answer.receipt)
        if (answer.outcome === "201") break
        await sleep(pause)
        if (key === undefined || stopped) break
      }
      if (options.pace !== undefined) {
        due = Math.max(due + options.pace, performance.now() - mostLate)
        await sleep(Math.max(0, due - performance.now()))
      }
    }
  }
  const running = Promise.all(Array.from({ length: options.connections }, (_, index) => connection(index)))
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      stopped = true
    })
  )
  const done = Effect.promise(() => running).pipe(Effect.asVoid)
  return {
    receipts,
    outcomes,
    done,
    finish: Effect.suspend(() => {
      left = 0
      return done
    }),
    stop: Effect.suspend(() => {
      stopped = true
      return done
    })
  }
})

interface Answer {
  readonly outcome: string
  readonly receipt?: Receipt
}

const send = (agent: Agent, url: string, body: string, key: string | undefined): Promise<Answer> =>
  new Promise((resolve) => {
    const sent = request(`${url}/api/vote`, {
      agent,
      method: "POST",
      timeout: answerTimeout,
      headers: {
        "content-type": "application/json",
        "content-length": body.length,
        ...(key === undefined ? {} : { "idempotency-key": key })
      }
    })
    sent.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("error", () => resolve({ outcome: "cut off" }))
      response.on("end", () => {
        if (response.statusCode !== 201) return resolve({ outcome: `${response.statusCode}` })
        const { vote_id: voteId, stream_id: streamId } = JSON.parse(text)
        resolve({ outcome: "201", receipt: { voteId, streamId } })
      })
    })
    sent.on("timeout", () => sent.destroy(new Error("no answer")))
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") resolve({ outcome: "refused" })
      else if (error.code === "ECONNRESET" || error.code === "EPIPE") {
        resolve({ outcome: sent.reusedSocket ? "reset kept" : "reset" })
      } else resolve({ outcome: error.message })
    })
    sent.end(body)
  })
