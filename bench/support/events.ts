import { get } from "node:http"

/** A tally as it was sent to a viewer: how many votes were counted, and when it came, in ms since 1970. */
export interface Sent {
  readonly at: number
  readonly total: number
}

/** A viewer of the default poll's live results, from when it was sent the present state. */
export const watchTally = (port: number) =>
  new Promise<{ readonly sent: ReadonlyArray<Sent>; readonly stop: () => void }>((resolve, reject) => {
    const sent: Array<Sent> = []
    let rest = ""
    const request = get({ port, host: "127.0.0.1", path: "/api/results/stream", agent: false }, (response) => {
      response.setEncoding("utf8")
      response.on("error", () => undefined)
      response.on("data", (chunk) => {
        const at = Date.now()
        const lines = `${rest}${chunk}`.split("\n")
        rest = lines.pop() ?? ""
        for (const line of lines) {
          if (line.startsWith("data: ")) sent.push({ at, total: JSON.parse(line.slice("data: ".length)).total_votes })
        }
        if (sent.length > 0) resolve({ sent, stop: () => request.destroy() })
      })
    })
    request.on("error", reject)
  })
