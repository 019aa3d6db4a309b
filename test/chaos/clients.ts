import { setMaxListeners } from "node:events"
import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { Random } from "./random.ts"

/** What a client knows about one of its votes. */
export interface Receipt {
  readonly option: string
  readonly voteId: string
  readonly streamId: string
}

/** What the clients have sent and got so far. */
export interface Clients {
  /** The first 201's receipt, by Idempotency-Key. */
  readonly accepted: ReadonlyMap<string, Receipt>
  /** Answers that no client should ever get, such as a second vote for a key. */
  readonly wrong: ReadonlyArray<string>
  readonly requests: () => number
  /** Accepted keys that were sent once more. */
  readonly repeated: () => number
  /** Votes still to be sent, or to be sent once more. */
  readonly open: () => number
  /** Casts no more new votes; those under way are sent until they are accepted. */
  stop(): void
  close(): void
}

export interface ClientOptions {
  /** Returns where the APIs are at the moment. */
  readonly apis: ReadonlyArray<() => string>
  /** New votes per second, while not too many wait for an answer. */
  readonly rate: number
  readonly random: Random
  /** The prefix of their Idempotency-Keys. */
  readonly keys?: string
  /** Called when an API has answered with a 201. */
  readonly onAccepted: (api: number) => void
}

/** In ms. */
const answerTimeout = 2_500
const tick = 20
/** The most votes under way. */
const crowd = 256
/** The share of votes sent to all APIs at once, and of those sent again a while after they were accepted. */
const atOnce = 0.02
const again = 0.03

export const startClients = ({ apis, keys = "chaos", onAccepted, random, rate }: ClientOptions): Clients => {
  const agent = new Agent({ keepAlive: true, maxSockets: crowd })
  const accepted = new Map<string, Receipt>()
  const wrong: Array<string> = []
  const count = { requests: 0, repeated: 0, waiting: 0, cast: 0, done: 0 }
  let closed = false
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)

  /** Sends one request; returns whether it got its 201. */
  const ask = async (api: number, key: string, option: string): Promise<boolean> => {
    count.requests++
    const { body, status } = await send(agent, apis[api]?.() ?? "", key, option)
    if (status !== 201) {
      if (status >= 400 && status < 500 && status !== 429) wrong.push(`${status} for ${key}: ${body}`)
      return false
    }
    onAccepted(api)
    const { stream_id: streamId, vote_id: voteId } = JSON.parse(body)
    const first = accepted.get(key)
    if (first === undefined) accepted.set(key, { option, voteId, streamId })
    else if (first.voteId !== voteId || first.streamId !== streamId) {
      wrong.push(`${key} is ${first.voteId} at ${first.streamId}, and ${voteId} at ${streamId}`)
    }
    return true
  }

  /** Sends a vote until it is accepted, each time to the next API. */
  const persist = async (key: string, option: string, first: number): Promise<void> => {
    count.waiting++
    for (let tries = 0; !closed && !(await ask((first + tries) % apis.length, key, option)); tries++) {
      await sleep(Math.min(50 * 2 ** tries, 400) * (0.5 + Math.random()))
    }
    count.waiting--
  }

  const cast = async (): Promise<void> => {
    const number = count.cast++
    const key = `${keys}-${number}`
    const option = number % 2 === 0 ? "cats" : "dogs"
    // Drawn at once, so that they depend on the vote's number alone.
    const [copies, repeats, pause] = [random() < atOnce ? apis.length : 1, random() < again, 1_000 + random() * 9_000]
    await Promise.all(Array.from({ length: copies }, (_, copy) => persist(key, option, number + copy)))
    if (!repeats) return
    // At the end of the run there is no time left to wait.
    await sleep(pause, undefined, { signal: ending.signal }).catch(() => undefined)
    await persist(key, option, number)
    count.repeated++
  }

  let owed = 0
  const timer = setInterval(() => {
    for (owed += (rate * tick) / 1000; owed >= 1; owed--) {
      if (count.waiting < crowd) void cast().then(() => count.done++)
    }
  }, tick)
  return {
    accepted,
    wrong,
    requests: () => count.requests,
    repeated: () => count.repeated,
    open: () => count.cast - count.done,
    stop: () => {
      clearInterval(timer)
      ending.abort()
    },
    close: () => {
      clearInterval(timer)
      closed = true
      agent.destroy()
    }
  }
}

/** Status 0 stands for no answer. */
const send = (agent: Agent, url: string, key: string, option: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve) => {
    const body = JSON.stringify({ option })
    const sent = request(`${url}/api/vote`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json", "content-length": body.length, "idempotency-key": key }
    })
    const none = () => resolve({ status: 0, body: "" })
    const timer = setTimeout(() => sent.destroy(new Error("no answer")), answerTimeout)
    sent.on("close", () => clearTimeout(timer))
    sent.on("error", none)
    sent.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("error", none)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    sent.end(body)
  })
