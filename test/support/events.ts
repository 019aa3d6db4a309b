import { get, type OutgoingHttpHeaders } from "node:http"
import { Effect } from "effect"
import { serverPort } from "./wire.ts"

export interface TallyEvent {
  readonly id: string
  /** The revision in it. */
  readonly revision: number
  readonly data: Readonly<Record<string, unknown>>
  /** When it arrived, in ms. */
  readonly at: number
}

/** What has arrived on a stream of Server-Sent Events so far. */
export interface Events {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly events: ReadonlyArray<TallyEvent>
  /** The versions of the poll that it was told of while the results were hidden. */
  readonly versions: ReadonlyArray<number>
  readonly comments: () => number
  /** How it ended, if it has: as an answer should, or cut off. */
  readonly ended: () => "politely" | "cut off" | undefined
  /** Stops reading: the connection stays and fills up. */
  readonly stall: () => void
}

/** Opens a stream of events at the server under test, until the scope closes. */
export const openEvents = Effect.fnUntraced(function* (path: string, headers: OutgoingHttpHeaders = {}) {
  const port = yield* serverPort
  const events: Array<TallyEvent> = []
  const versions: Array<number> = []
  let comments = 0
  let ended: "politely" | "cut off" | undefined
  const take = (block: string) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? ""
    if (field("event") === "poll") return void versions.push(JSON.parse(field("data")).version)
    if (field("event") !== "tally") throw new Error(`an unknown event: ${block}`)
    const id = field("id")
    const revision = Number(/^(\d+)(?:\.\d+)?-\w+$/.exec(id)?.[1])
    events.push({ id, revision, data: JSON.parse(field("data")), at: performance.now() })
  }
  return yield* Effect.acquireRelease(
    Effect.callback<Events & { readonly close: () => void }>((resume) => {
      const sent = get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
        let received = ""
        response.setEncoding("utf8").on("data", (chunk: string) => {
          received += chunk
          // A comment is one line; what follows it may be an event.
          received = received.replaceAll(/^:\n/gm, () => {
            comments++
            return ""
          })
          const blocks = received.split("\n\n")
          received = blocks.pop() ?? ""
          for (const block of blocks) take(block)
        })
        response.on("end", () => {
          ended = "politely"
        })
        response.on("error", () => {
          ended = "cut off"
        })
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            events,
            versions,
            comments: () => comments,
            ended: () => ended,
            stall: () => void response.pause(),
            close: () => void sent.destroy()
          })
        )
      })
      sent.on("error", () => {
        ended ??= "cut off"
      })
    }),
    ({ close }) => Effect.sync(close)
  )
})
