import { Agent, type IncomingHttpHeaders, request } from "node:http"
import { Effect } from "effect"

/** An answer with a JSON body. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

/** Sends one request on a connection of its own; fails if it gets no complete answer. */
const call = (method: "GET" | "POST", url: string, headers: Readonly<Record<string, string>> = {}, body?: string) =>
  Effect.callback<Answer, Error>((resume) => {
    const sent = request(url, { method, headers, agent: new Agent({ keepAlive: false }) }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () =>
        resume(
          Effect.try({
            try: () => ({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }),
            catch: () => new Error(`${method} ${url} was answered with ${text}`)
          })
        )
      )
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })

export const get = (url: string, headers?: Readonly<Record<string, string>>) => call("GET", url, headers)

/** Votes in the default poll of the program at `url`. */
export const vote = (url: string, option: string, headers: Readonly<Record<string, string>> = {}) =>
  call("POST", `${url}/api/vote`, { "content-type": "application/json", ...headers }, JSON.stringify({ option }))
