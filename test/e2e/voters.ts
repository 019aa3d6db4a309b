import { Agent, request } from "node:http"
import { Effect } from "effect"
import type { PollDefinition } from "../../src/domain/Poll.ts"
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

const post = (agent: Agent, url: string, body: unknown, token?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
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
    return answer.status === 201 ? answer.body : yield* Effect.die(new Error(JSON.stringify(answer)))
  }).pipe(Effect.scoped)

export const createPollAt = (url: string, definition: PollDefinition) => asAdmin(`${url}/api/polls`, definition)

export const tokensAt = (url: string, slug: string, count: number) =>
  Effect.map(asAdmin(`${url}/api/polls/${slug}/tokens`, { count }), ({ tokens }) => tokens as ReadonlyArray<string>)

/** A vote that was accepted, with its voter as an index. */
export interface Accepted extends Receipt {
  readonly voter: number
}

export interface Casting {
  readonly accepted: ReadonlyArray<Accepted>
  /** How often each status was answered. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly done: Effect.Effect<void>
}

/** Casts `each` votes of every voter, for one option or the other, all at once, at one API or the other. */
export const castConflicting = Effect.fnUntraced(function* (options: {
  readonly urls: ReadonlyArray<string>
  readonly slug: string
  readonly options: ReadonlyArray<string>
  readonly tokens: ReadonlyArray<string>
  readonly each: number
}) {
  const agent = yield* makeAgent
  const accepted: Array<Accepted> = []
  const outcomes: Record<string, number> = {}
  const cast = async (voter: number, index: number) => {
    const url = options.urls[index % options.urls.length]
    const option = options.options[(index >> 1) % options.options.length]
    const answer = await post(agent, `${url}/api/polls/${options.slug}/votes`, { option }, options.tokens[voter])
    outcomes[answer.status] = (outcomes[answer.status] ?? 0) + 1
    if (answer.status !== 201) return
    accepted.push({ voter, voteId: `${answer.body.vote_id}`, streamId: `${answer.body.stream_id}` })
  }
  const running = Promise.all(
    options.tokens.flatMap((_, voter) => Array.from({ length: options.each }, (_, index) => cast(voter, index)))
  )
  const done = Effect.asVoid(Effect.promise(() => running))
  return { accepted, outcomes, done } satisfies Casting
})

/** Casts votes on some connections until the poll is closed for all of them. */
export const castUntilClosed = Effect.fnUntraced(function* (urls: ReadonlyArray<string>, slug: string, option: string) {
  const agent = yield* makeAgent
  const receipts: Array<Receipt> = []
  const connection = async (index: number) => {
    for (;;) {
      const { body, status } = await post(agent, `${urls[index % urls.length]}/api/polls/${slug}/votes`, { option })
      if (status === 409) return
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      receipts.push({ voteId: `${body.vote_id}`, streamId: `${body.stream_id}` })
    }
  }
  yield* Effect.promise(() => Promise.all(Array.from({ length: 32 }, (_, index) => connection(index))))
  return receipts
})
