import { connect, createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** One process's gate to a server; what goes wrong there goes wrong for that process alone. */
export interface Gate {
  readonly port: number
  /**
   * Closes connections instead of passing on their next reply, for a while, and until it has happened. Returns how many
   * were closed; 0 if nobody has asked for anything in `patience` ms.
   */
  dropReplies(ms: number): Promise<number>
  /** Delays everything by so much, for a while. */
  delay(ms: number, by: number): Promise<void>
  /** Lets nothing pass and tells nobody, for a while; then closes the connections. */
  blackhole(ms: number): Promise<void>
  /** Lets nothing pass on the connections that there are, and tells nobody; new ones work. */
  silence(): void
  close(): void
}

const patience = 5_000

/** Opens a gate to a server, whose address `upstream()` returns whenever a connection is made. */
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
        // The connections that were chosen first are gone, or have no reply to drop.
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
    silence: () => {
      for (const link of links) link.silent = true
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
  /** Whether it lets nothing pass any more. */
  silent: boolean
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
    silent: false,
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
        if (!weather.swallows() && !link.silent) to.write(next.chunk)
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
