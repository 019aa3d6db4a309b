import { get } from "node:http"
import { Effect, Layer, Metric } from "effect"

/** A registry of metrics that nothing else counts in. */
export const layerOwnRegistry = Layer.sync(Metric.MetricRegistry, () => new Map())

/** Fetches a text; fails if there is no answer. */
export const getText = (url: string): Effect.Effect<{ readonly status: number; readonly text: string }, Error> =>
  Effect.callback((resume) => {
    const sent = get(url, { agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
      response.on("error", (error) => resume(Effect.fail(error)))
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => sent.destroy())
  })

/** Parses a scrape: every series with its value, by its name and labels as they are written. */
export const parseMetrics = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ")
        return [line.slice(0, space), Number(line.slice(space + 1))] as const
      })
  )

export const scrape = (url: string) => Effect.map(getText(`${url}/metrics`), ({ text }) => parseMetrics(text))
