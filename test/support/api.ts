import { request as nodeRequest, type OutgoingHttpHeaders } from "node:http"
import { setImmediate } from "node:timers/promises"
import { assert } from "@effect/vitest"
import { Effect, Layer, References } from "effect"
import type { HttpServer } from "effect/http"
import { layerHttpServices } from "../../src/http/HttpServices.ts"
import { HttpSettings } from "../../src/http/HttpSettings.ts"
import { Lifecycle } from "../../src/http/Lifecycle.ts"
import { PublicFolder } from "../../src/http/pages/PublicFolder.ts"
import { LiveResults } from "../../src/http/results/LiveResults.ts"
import { layerServer } from "../../src/http/Server.ts"
import { type Answer, serverPort } from "./wire.ts"
import { layerMocks, newWorld, World } from "./world.ts"

/** Live results over the mocks, for a test that has the clock in its hands. */
export const layerResults = LiveResults.layer.pipe(
  Layer.provide(layerMocks),
  Layer.provideMerge(Layer.sync(World, newWorld)),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

export const publicFolder = new URL("../../src/web/public/", import.meta.url)

/** What the tests' servers are set to where a test does not say otherwise; on a free port. */
export const httpSettings = (settings: Partial<HttpSettings["Service"]> = {}): HttpSettings["Service"] => ({
  host: "127.0.0.1",
  port: 0,
  managementPort: undefined,
  fastLane: true,
  production: false,
  corsOrigins: ["http://localhost:3000"],
  maxRequestSize: 1_048_576,
  maxConnections: 10_000,
  maxViewers: 5_000,
  maxViewersPerClient: 2_000,
  rateLimit: undefined,
  readLimit: undefined,
  newVoterLimit: undefined,
  trustProxy: 0,
  adminTokens: [],
  voterSecrets: [],
  jwksUrl: undefined,
  jwtIssuer: undefined,
  jwtAudience: undefined,
  idempotencyTtl: 86_400_000,
  shutdownDelay: 0,
  ...settings
})

/** The real server on a port of its own, over the mocks. */
export const layerApi = (settings: Partial<HttpSettings["Service"]> = {}, folder: URL = publicFolder) =>
  layerOver(Layer.sync(World, newWorld), settings, folder)

/** The same, in a world that there was before it. */
export const layerApiIn = (
  world: World["Service"],
  settings: Partial<HttpSettings["Service"]> = {},
  folder: URL = publicFolder
) => layerOver(Layer.succeed(World, world), settings, folder)

const layerOver = (world: Layer.Layer<World>, settings: Partial<HttpSettings["Service"]>, folder: URL) =>
  layerServer.pipe(
    Layer.provide(layerHttpServices),
    Layer.provide([
      layerMocks,
      Layer.succeed(PublicFolder, folder),
      Layer.succeed(HttpSettings, httpSettings(settings))
    ]),
    Layer.provideMerge(Layer.mergeAll(world, Lifecycle.layer)),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
  )

export interface Sent {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** One request on a connection of its own. */
export const request = (
  method: string,
  path: string,
  { body, headers = {} }: Sent = {}
): Effect.Effect<Answer, never, HttpServer.HttpServer> =>
  Effect.flatMap(serverPort, (port) =>
    Effect.callback((resume) => {
      const options = { host: "127.0.0.1", port, method, path, headers, agent: false }
      const sent = nodeRequest(options, (response) => {
        // From here on an error says no more than that the rest of the body was not wanted.
        sent.off("error", fail).on("error", () => undefined)
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const named = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          const text = Buffer.concat(chunks).toString()
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: Object.fromEntries(named), body: text }))
        })
      })
      const fail = (error: Error) => resume(Effect.die(error))
      sent.on("error", fail)
      sent.end(body)
      return Effect.sync(() => sent.destroy())
    })
  )

/** Waits for what comes with the next events of the network; a test's own time-out bounds it. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() =>
    condition()
      ? Effect.void
      : Effect.andThen(
          Effect.promise(() => setImmediate()),
          until(condition)
        )
  )

export const json = ({ body }: Answer): Readonly<Record<string, unknown>> => JSON.parse(body)

/** A vote, as JSON unless said otherwise. */
export const vote = (body: string | Buffer = '{"option":"cats"}', headers: OutgoingHttpHeaders = {}) =>
  request("POST", "/api/vote", { headers: { "content-type": "application/json", ...headers }, body })

/** Asserts that the answer is a problem of that status, that tells what is wrong and nothing in HTML. */
export const assertProblem = (answer: Answer, status: number): Readonly<Record<string, unknown>> => {
  assert.strictEqual(answer.status, status, answer.body)
  assert.strictEqual(answer.headers["content-type"], "application/problem+json")
  assert.notMatch(answer.body, /[<>&]/)
  const problem = json(answer)
  assert.strictEqual(problem.status, status)
  for (const name of ["type", "title", "detail", "instance"]) assert.isString(problem[name])
  return problem
}
