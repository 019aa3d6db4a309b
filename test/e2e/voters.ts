import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect } from "effect"
import type { PollDefinition } from "../../src/domain/PollDefinition.ts"
import type { Receipt } from "../support/load.ts"

const adminToken = "the-admin-of-these-tests"

/** The environment for the programs of a test with polls and voters. */
export const pollsEnv = {
  ADMIN_TOKEN: adminToken,
  VOTER_SECRET: "what-signs-the-voters-of-these-tests",
  RATE_LIMIT: "off"
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const post = (agent: Agent, url: string, body: unknown, token?: string, key?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { "idempotency-key": key })
    }
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let received = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        received += chunk
      })
      response.on("error", reject)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(received) }))
    })
    sent.on("error", reject)
    sent.end(text)
  })

const makeAgent = Effect.acquireRelease(
  Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 32 })),
  (agent) => Effect.sync(() => agent.destroy())
)

const asAdmin = (url: string, body: unknown) =>
  Effect.gen(function* () {
    const agent = yield* makeAgent
    const answer = yield* Effect.promise(() => post(agent, url, body, adminToken))
    return answer.status === 200 || answer.status === 201
      ? answer.body
      : yield* Effect.die(new Error(JSON.stringify(answer)))
  }).pipe(Effect.scoped)

export const createPollAt = (url: string, definition: PollDefinition) => asAdmin(`${url}/api/polls`, definition)

/** Casts a vote in a poll for anyone. */
export const castAt = (url: string, slug: string, said: unknown) => asAdmin(`${url}/api/polls/${slug}/votes`, said)

export const closePollAt = (url: string, slug: string) => asAdmin(`${url}/api/polls/${slug}/close`, {})

export const tokensAt = (url: string, slug: string, count: number) =>
  Effect.map(asAdmin(`${url}/api/polls/${slug}/tokens`, { count }), ({ tokens }) => tokens as ReadonlyArray<string>)

/** A vote that was accepted, with its voter as an index. */
export interface Accepted extends Receipt {
  readonly voter: number
}

export interface Casting {
  readonly accepted: ReadonlyArray<Accepted>
  /** How many votes ended with each status. */
  readonly outcomes: Readonly<Record<string, number>>
}

/** The pause before a vote is sent again, in ms. */
const pause = 20

/**
 * Casts `each` votes of a poll's voters, which say one thing or the other, by so many at once at one API or the other, of which `urls`
 * may change. Each has a key, and is sent again where it gets no answer, a 503 or, because it came too slowly, a 408.
 */
export const castConflicting = Effect.fnUntraced(function* (options: {
  readonly urls: ReadonlyArray<string>
  readonly slug: string
  readonly says: ReadonlyArray<unknown>
  readonly tokens: ReadonlyArray<string>
  readonly each: number
  readonly atOnce: number
  /** Learns of each vote that is done. */
  readonly done: () => void
}) {
  const { atOnce, done, each, says, slug, tokens, urls } = options
  const agent = yield* makeAgent
  const accepted: Array<Accepted> = []
  const outcomes: Record<string, number> = {}
  const cast = async (index: number): Promise<Answer> => {
    for (let tries = 0; ; tries++) {
      const url = `${urls[(index + tries) % urls.length]}/api/polls/${slug}/votes`
      const said = says[(index >> 1) % says.length]
      const answer = await post(agent, url, said, tokens[index % tokens.length], `${index}`).catch(() => undefined)
      if (answer !== undefined && answer.status !== 503 && answer.status !== 408) return answer
      await sleep(pause)
    }
  }
  const all = tokens.length * each
  let begun = 0
  const connection = async () => {
    while (begun < all) {
      const index = begun++
      const { body, status } = await cast(index)
      outcomes[status] = (outcomes[status] ?? 0) + 1
      done()
      if (status !== 201) continue
      accepted.push({ voter: index % tokens.length, voteId: `${body.vote_id}`, streamId: `${body.stream_id}` })
    }
  }
  yield* Effect.promise(() => Promise.all(Array.from({ length: atOnce }, connection)))
  return { accepted, outcomes } satisfies Casting
}, Effect.scoped)

/** Casts votes on some connections, each after a pause in ms, until the poll is closed for all of them. */
export const castUntilClosed = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  slug: string,
  option: string,
  pause: number
) {
  const agent = yield* makeAgent
  const receipts: Array<Receipt> = []
  const connection = async (index: number) => {
    for (;;) {
      const { body, status } = await post(agent, `${urls[index % urls.length]}/api/polls/${slug}/votes`, { option })
      if (status === 409) return
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      receipts.push({ voteId: `${body.vote_id}`, streamId: `${body.stream_id}` })
      await sleep(pause)
    }
  }
  yield* Effect.promise(() => Promise.all(Array.from({ length: 32 }, (_, index) => connection(index))))
  return receipts
})
