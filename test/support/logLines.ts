import { Logger, References } from "effect"

interface Line {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** Returns a logger, and the lines that it was given. */
export const logLines = () => {
  const lines: Array<Line> = []
  const layer = Logger.make<unknown, void>(({ fiber, logLevel, message }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    lines.push({ level: logLevel, message: String(message), annotations })
  })
  return { layer, lines }
}
