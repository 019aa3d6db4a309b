// A thread that holds many viewers of one stream of results, and notes when each was sent each revision.
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { parentPort, workerData } from "node:worker_threads"

/** What the thread is given. */
export interface Watched {
  readonly port: number
  readonly viewers: number
}

/** What it tells: that all viewers have the present state; when asked, how much later than the first of them each got a revision, in ms. */
export type Told = "watching" | ReadonlyArray<number>

const { port, viewers }: Watched = workerData
const head = "GET /api/results/stream HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"

/** By revision: when each viewer got it, in ms. */
const arrivals = new Map<string, Array<number>>()

const watch = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let rest = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(head)).setEncoding("latin1")
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      const now = performance.now()
      const text = rest + chunk
      for (const [, id = ""] of text.matchAll(/^id: (\d+)$/gm)) {
        resolve(socket)
        const times = arrivals.get(id)
        if (times === undefined) arrivals.set(id, [now])
        else times.push(now)
      }
      // A frame's `id` line may come in two pieces, its end only with the next one.
      rest = text.slice(text.lastIndexOf("\n") + 1)
    })
  })

const sockets: Array<Socket> = []
while (sockets.length < viewers) {
  const batch = Math.min(100, viewers - sockets.length)
  sockets.push(...(await Promise.all(Array.from({ length: batch }, watch))))
}
arrivals.clear()
parentPort?.postMessage("watching" satisfies Told)

// Only what all of them got: a revision may be on its way.
const complete = () => [...arrivals.values()].filter(({ length }) => length === viewers)

parentPort?.once("message", async () => {
  for (let tries = 0; complete().length === 0 && tries < 1_000; tries++) await sleep(10)
  const delays = complete().flatMap((times) => {
    const first = Math.min(...times)
    return times.map((time) => time - first)
  })
  parentPort?.postMessage(delays satisfies Told)
  for (const socket of sockets) socket.destroy()
})
