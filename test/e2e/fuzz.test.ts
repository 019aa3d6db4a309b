import { Agent, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeRandom } from "../chaos/random.ts"
import { launchProgram, startApi } from "../support/processes.ts"
import { get } from "./call.ts"
import { challenged, type Description, type FuzzRequest, makeRequest } from "./requests.ts"
import { makeSite, untilReady } from "./site.ts"

/** `FUZZ_REQUESTS` sets how many requests, `FUZZ_SEED` makes others. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 5_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)
const atOnce = 16
const adminToken = "a-token-for-the-fuzz"

const always = [
  "x-frame-options",
  "x-content-type-options",
  "content-security-policy",
  "x-xss-protection",
  "referrer-policy"
]

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

const send = (url: string, agent: Agent, asked: FuzzRequest): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { body, headers, method, path } = asked
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, agent, method, path, headers, timeout: 20_000 }, (response) => {
      const { headers: answered, statusCode = 0 } = response
      const chunks: Array<Buffer> = []
      const done = () =>
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString("utf8") })
      // A stream goes on until somebody ends it.
      if (answered["content-type"] === "text/event-stream") {
        done()
        response.destroy()
        return
      }
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", done)
      response.on("error", reject)
    })
    sent.on("timeout", () => sent.destroy(new Error("no answer in 20 s")))
    // As browsers do: a kept connection may be closed just when it is used again.
    sent.on("error", (error) => (sent.reusedSocket ? resolve(send(url, agent, asked)) : reject(error)))
    sent.end(body)
  })

/** Returns what is wrong with an answer, whatever was asked. */
const complaint = ({ method }: FuzzRequest, { body, headers, status }: Answer): string | undefined => {
  if (status >= 500) return `status ${status}`
  const missing = always.filter((name) => headers[name] === undefined)
  if (missing.length > 0) return `no ${missing.join(", ")}`
  if (headers.server !== undefined || headers["x-powered-by"] !== undefined) return "it says what it runs on"
  if (status < 400 || method === "HEAD") return undefined
  if (headers["content-type"] !== "application/problem+json") return `an error as ${headers["content-type"]}`
  const problem: unknown = JSON.parse(body)
  if (typeof problem !== "object" || problem === null || Reflect.get(problem, "status") !== status) return "no problem"
  return /[<>]/.test(body) ? "HTML of the client's in it" : undefined
}

describe("the HTTP surface", () => {
  it.live(
    `answers ${requests} requests made from its description without a failure of its own`,
    () =>
      Effect.gen(function* () {
        const site = yield* makeSite()
        const definition = ["--title", "Cats?", "--option", "cats=Cats", "--option", "none=None", "--challenge", "pow"]
        const made = yield* launchProgram(["polls", "create", challenged, ...definition, "--json"], { env: site.env })
        assert.strictEqual((yield* made.ended).code, 0, made.stderr())
        assert.deepInclude(JSON.parse(made.stdout()), { slug: challenged, challenge: "pow" })
        const api = yield* startApi("api", { env: { ...site.env, ADMIN_TOKEN: adminToken, RATE_LIMIT: "off" } })
        yield* untilReady(api.url)
        const { body } = yield* get(`${api.url}/openapi.json`)
        const description = body as unknown as Description
        const random = makeRandom(seed)
        const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
        yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
        const statuses = new Map<number, number>()
        yield* Effect.forEach(
          Array.from({ length: requests }, () => makeRequest(random, description, adminToken)),
          (asked) =>
            Effect.promise(async () => {
              const answer = await send(api.url, agent, asked).catch((error: NodeJS.ErrnoException) => {
                throw new Error(`${error.message} for ${JSON.stringify(asked).slice(0, 2000)}`)
              })
              statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
              const wrong = complaint(asked, answer)
              if (wrong !== undefined) {
                throw new Error(`${wrong} for ${JSON.stringify(asked).slice(0, 2000)}: ${answer.body.slice(0, 500)}`)
              }
            }),
          { concurrency: atOnce, discard: true }
        )
        assert.deepInclude((yield* get(`${api.url}/api/polls/${challenged}`)).body, { challenge: "pow" })
        // Unless the requests reach every endpoint, this proves nothing.
        for (const status of [200, 201, 400, 401, 403, 404, 405, 409, 415, 422]) {
          assert.isAbove(statuses.get(status) ?? 0, 0, `no ${status} among ${JSON.stringify([...statuses])}`)
        }
        assert.strictEqual(api.stderr(), "")
      }).pipe(Effect.scoped),
    120_000
  )
})
