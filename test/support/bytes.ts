import { type IncomingHttpHeaders, request } from "node:http"
import { Effect } from "effect"
import type { HttpServer } from "effect/http"
import { serverPort } from "./wire.ts"

/** An answer's body as it came over the wire, compressed or not. */
export const rawBody = (
  path: string,
  headers: Readonly<Record<string, string>>
): Effect.Effect<{ readonly bytes: Buffer; readonly headers: IncomingHttpHeaders }, never, HttpServer.HttpServer> =>
  Effect.flatMap(serverPort, (port) =>
    Effect.callback((resume) => {
      const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => resume(Effect.succeed({ bytes: Buffer.concat(chunks), headers: response.headers })))
      })
      sent.on("error", (error) => resume(Effect.die(error)))
      sent.end()
    })
  )
