// A thread that holds many viewers of one stream of results, and notes when each was sent each revision.
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { parentPort, workerData } from "node:worker_threads"

/** What the thread is given. */
export interface Watched {
  readonly port: number
  readonly viewers: number
}

/** That all viewers have the present state. */
export type Watching = "watching"

/** What it is told when the votes are over: the revision that all viewers are to have in the end. */
export interface Over {
  readonly revision: number
}

/** What it saw by then. */
export interface Seen {
  /** How much later than the first of them each viewer got a revision, in ms. */
  readonly delays: ReadonlyArray<number>
  /** How many viewers have the last revision. */
  readonly complete: number
}

const { port, viewers }: Watched = workerData
const head = "GET /api/results/stream HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"

/** By revision: when each viewer got it, in ms. */
const arrivals = new Map<string, Array<number>>()

/** The last that each viewer got. */
const last = new Int32Array(viewers)

const watch = (index: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let rest = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(head)).setEncoding("latin1")
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      const now = performance.now()
      const text = rest + chunk
      let from = 0
      for (let at = text.indexOf("\nid: "); at >= 0; at = text.indexOf("\nid: ", from)) {
        const end = text.indexOf("\n", at + 1)
        // An `id` line may come in two pieces.
        if (end < 0) break
        const id = text.slice(at + 5, end)
        // The revision; the epoch follows it.
        last[index] = Number.parseInt(id, 10)
        const times = arrivals.get(id)
        if (times === undefined) arrivals.set(id, [now])
        else times.push(now)
        from = end
        resolve(socket)
      }
      rest = text.slice(Math.max(from, text.lastIndexOf("\n")))
    })
  })

const sockets: Array<Socket> = []
while (sockets.length < viewers) {
  const batch = Math.min(100, viewers - sockets.length)
  sockets.push(...(await Promise.all(Array.from({ length: batch }, (_, index) => watch(sockets.length + index)))))
}
arrivals.clear()
parentPort?.postMessage("watching" satisfies Watching)

/** How long viewers may take for the last revision, in ms. */
const patience = 10_000

parentPort?.once("message", async ({ revision }: Over) => {
  const complete = () => last.filter((id) => id >= revision).length
  for (let waited = 0; complete() < viewers && waited < patience; waited += 10) await sleep(10)
  // Only what all of them got: in between, each gets what is latest by then.
  const delays = [...arrivals.values()]
    .filter(({ length }) => length === viewers)
    .flatMap((times) => {
      const first = Math.min(...times)
      return times.map((time) => time - first)
    })
  parentPort?.postMessage({ delays, complete: complete() } satisfies Seen)
  for (const socket of sockets) socket.destroy()
})
