import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { entriesInHand, patiently, type Site } from "./site.ts"

/** Locks a table, until that is released: whoever reads or writes it waits. */
export const holdTable = Effect.fnUntraced(function* ({ sql }: Site, table: string) {
  const held = yield* Deferred.make<void>()
  const done = yield* Deferred.make<void>()
  const holding = yield* Effect.andThen(
    sql`lock table ${sql(table)} in access exclusive mode`,
    Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(done))
  ).pipe(sql.withTransaction, Effect.forkScoped)
  yield* Effect.raceFirst(Deferred.await(held), Fiber.join(holding))
  return { release: Effect.andThen(Deferred.succeed(done, undefined), Fiber.join(holding)) }
})

/** Keeps the database from counting; a batch that is being counted waits. */
export const holdLedger = (site: Site) => holdTable(site, "vote_event")

/** Waits until a consumer holds an entry that it can't ack yet. */
export const untilInHand = (site: Site, entries = 1) =>
  patiently(Effect.map(entriesInHand(site), (inHand) => assert.isAtLeast(inHand, entries)))

/** Makes a connection to the server at `url` that can be held up: what is sent meanwhile arrives when it is released. */
export const makeDetour = Effect.fnUntraced(function* (url: string) {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  let holding = false
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    clients.add(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      // If one end is lost, the other ends too.
      socket.on("error", () => undefined)
      socket.on("close", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    upstream.pipe(client)
    client.on("data", (chunk) => void upstream.write(chunk))
    if (holding) client.pause()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  const detour = new URL(url)
  detour.port = String((server.address() as AddressInfo).port)
  return {
    url: detour.href,
    hold: Effect.sync(() => {
      holding = true
      for (const client of clients) client.pause()
    }),
    letGo: Effect.sync(() => {
      holding = false
      for (const client of clients) client.resume()
    })
  }
})
