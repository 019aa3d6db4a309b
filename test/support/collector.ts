import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

/** A span as OTLP sends it in JSON. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly attributes: ReadonlyArray<Attribute>
  readonly links: ReadonlyArray<{
    readonly traceId: string
    readonly spanId: string
    readonly attributes: ReadonlyArray<Attribute>
  }>
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number }
}

/** Returns attributes by their names, with their values as strings. */
export const attributesOf = ({ attributes }: Pick<Span, "attributes">): Readonly<Record<string, string>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]))

interface Export {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: ReadonlyArray<Attribute> }
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }>
  }>
}

interface Collector {
  readonly url: string
  readonly spans: ReadonlyArray<Span>
  /** What processes say of themselves, by their `tallykeep.role`. */
  readonly resources: ReadonlyMap<string | undefined, Readonly<Record<string, string>>>
}

/** Stands for an OpenTelemetry collector: takes traces over HTTP and keeps them. */
export const startCollector: Effect.Effect<Collector, never, Scope.Scope> = Effect.gen(function* () {
  const spans: Array<Span> = []
  const resources = new Map<string | undefined, Readonly<Record<string, string>>>()
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      if (request.method === "POST" && request.url === "/v1/traces") {
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export
        for (const { resource, scopeSpans } of resourceSpans) {
          for (const { spans: some } of scopeSpans) spans.push(...some)
          const said = attributesOf(resource)
          resources.set(said["tallykeep.role"], said)
        }
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, resources }
})
