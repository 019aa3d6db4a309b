import { Layer, Logger, References } from "effect"

/** Collects what is logged from INFO on, as "LEVEL message". */
export const collectLog = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push(`${logLevel.toUpperCase()} ${[message].flat().join(" ")}`)
  })
  return {
    lines,
    /** Returns the lines that match. */
    like: (pattern: RegExp) => lines.filter((line) => pattern.test(line)),
    layer: Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Info"))
  }
}
