import { connect, createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** One process's way to a server; what goes wrong on it, goes wrong for that process alone. */
export interface Gate {
  readonly port: number
  /**
   * For a while, and until it has happened, a connection is closed instead of passing its next reply on. Gives how many
   * were; 0 where nobody has asked for anything in `patience` ms.
   */
  dropReplies(ms: number): Promise<number>
  /** For a while, everything comes later by so much. */
  delay(ms: number, by: number): Promise<void>
  /** For a while, nothing passes and nobody is told; then the connections are closed. */
  blackhole(ms: number): Promise<void>
  close(): void
}

const patience = 5_000

/** Opens a gate to the server that is at `upstream()` whenever a connection is made. */
export const openGate = async (upstream: () => number): Promise<Gate> => {
  const links = new Set<Link>()
  const state = { delays: new Set<{ by: number }>(), holes: 0 }
  const delayNow = () => [...state.delays].reduce((sum, { by }) => sum + by, 0)
  const server = createServer({ noDelay: true }, (client) => {
    const link = makeLink(client, connect({ port: upstream(), host: "127.0.0.1", noDelay: true }), {
      delay: delayNow,
      swallows: () => state.holes > 0
    })
    links.add(link)
    link.closed.then(() => links.delete(link))
  })
  const closeAll = () => {
    for (const link of links) link.close()
  }
  return {
    port: await listen(server),
    dropReplies: async (ms) => {
      const marked = new Set(links)
      const dropped = () => [...marked].filter((link) => link.dropped).length
      for (const link of marked) link.dropNext = true
      await sleep(ms)
      for (const deadline = performance.now() + patience; dropped() === 0 && performance.now() < deadline; ) {
        // Those who were asked first are gone, or have nothing to say.
        for (const link of links) {
          link.dropNext = true
          marked.add(link)
        }
        await sleep(50)
      }
      for (const link of marked) link.dropNext = false
      return dropped()
    },
    delay: async (ms, by) => {
      const delay = { by }
      state.delays.add(delay)
      await sleep(ms)
      state.delays.delete(delay)
    },
    blackhole: async (ms) => {
      state.holes++
      await sleep(ms)
      state.holes--
      closeAll()
    },
    close: () => {
      server.close()
      closeAll()
    }
  }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

interface Link {
  dropNext: boolean
  dropped: boolean
  readonly closed: Promise<void>
  close(): void
}

/** A client's connection and the one made to the server for it. */
const makeLink = (
  client: Socket,
  server: Socket,
  weather: { readonly delay: () => number; readonly swallows: () => boolean }
): Link => {
  const close = () => {
    client.destroy()
    server.destroy()
  }
  const link: Link = {
    dropNext: false,
    dropped: false,
    closed: new Promise((resolve) => client.once("close", resolve)),
    close
  }
  const forward = (from: Socket, to: Socket) => {
    const late: Array<{ readonly due: number; readonly chunk: Buffer }> = []
    const send = () => {
      for (let next = late[0]; next !== undefined && next.due <= performance.now(); next = late[0]) {
        late.shift()
        if (!weather.swallows()) to.write(next.chunk)
      }
      if (late[0] !== undefined) setTimeout(send, Math.max(1, late[0].due - performance.now()))
    }
    from.on("data", (chunk) => {
      if (from === server && link.dropNext) {
        link.dropped = true
        return close()
      }
      // What comes later must not overtake what is late.
      const due = Math.max(performance.now() + weather.delay(), late.at(-1)?.due ?? 0)
      late.push({ due, chunk })
      if (late.length === 1) send()
    })
    from.on("error", () => undefined)
    from.on("close", () => (late.length === 0 ? to.end() : close()))
  }
  forward(client, server)
  forward(server, client)
  return link
}
