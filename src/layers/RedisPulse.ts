import { type Connection, isDemoted } from "../stream/Redis.ts"

/*
 * A connection can be useless though it is there: the other side may have gone without a word, or be a replica by now, which
 * takes no writes and gets no announcements. Such a connection is given up, and connected anew to wherever its name leads.
 */

/** How often each connection is looked after, in ms: where all have answered, and where one has not. */
export const quietBeat = 2_000
export const beat = 500

/** After so many beats without a byte, though an answer is due, the other side is gone: counted, since the process may sleep. */
const silentBeats = 3

interface Watched {
  readonly connection: Connection
  /** Whether it is for reads that block. */
  readonly reads: boolean
  stream: Connection["stream"] | undefined
  bytes: number
  silent: number
  /** Whether it may be asked for its server's role; a user may have no permission to. */
  role: boolean
}

export interface Pulse {
  /** Looks after a connection until it is closed for good; `reads` says whether it is for reads that block. */
  watch(connection: Connection, reads: boolean): void
  /** Looks after all of them. Resolves once all have answered that were asked something; while one is silent, it does not. */
  look(): Promise<unknown>
}

/** Whether it may wait in Redis for as long as that likes. Such a connection can't be asked anything. */
const blocks = ({ connection, reads }: Watched): boolean => reads && connection.status === "ready"

const serverOf = ({ connection }: Watched): string => `${connection.options.host}:${connection.options.port}`

/** Makes the pulse of all connections of a process. `replicas` says whether a replica will do. */
export const makePulse = ({ replicas }: { readonly replicas: boolean }): Pulse => {
  const all = new Set<Watched>()
  const atServerOf = (one: Watched) => [...all].filter((other) => serverOf(other) === serverOf(one))

  /** Leaves a server that is a replica by now, with every connection. What was asked is answered first. */
  const leave = (one: Watched): void => {
    for (const { connection } of atServerOf(one)) if (connection.status === "ready") connection.disconnect(true)
  }

  const giveUp = (one: Watched): void => {
    one.stream?.destroy(new Error(`No answer for ${(silentBeats * beat) / 1000} s`))
    // Those who wait can't tell that nothing will come.
    for (const other of atServerOf(one)) {
      if (blocks(other) && other.silent > 0) other.stream?.destroy(new Error("Its server does not answer"))
    }
  }

  const ask = (one: Watched): Promise<unknown> => {
    const { connection } = one
    if (replicas || !one.role) return connection.ping().catch(() => undefined)
    return connection.role().then(
      (answer) => {
        if (Array.isArray(answer) && answer[0] === "slave") leave(one)
      },
      (error: Error) => {
        if (error.name === "ReplyError") one.role = false
      }
    )
  }

  const listen = (one: Watched): void => {
    const { connection } = one
    const { stream } = connection
    // One for reads may have asked for nothing just then, and would wait for what it asks next.
    const due = blocks(one) || connection.commandQueue?.length > 0
    if (stream !== one.stream || stream?.bytesRead !== one.bytes || !due) {
      one.stream = stream
      one.bytes = stream?.bytesRead ?? 0
      one.silent = 0
    } else one.silent++
  }

  const act = (one: Watched): Promise<unknown> | undefined => {
    if (blocks(one)) return undefined
    if (one.silent >= silentBeats) giveUp(one)
    // One of its own, which goes with it.
    else if (one.silent > 0) return new Promise(() => {})
    else if (one.connection.status === "ready") return ask(one)
    return undefined
  }

  return {
    watch: (connection, reads) => {
      const one: Watched = { connection, reads, stream: undefined, bytes: 0, silent: 0, role: true }
      all.add(one)
      connection.on("end", () => all.delete(one))
      const { reconnectOnError } = connection.options
      connection.options.reconnectOnError = (error) => {
        if (!isDemoted(error)) return reconnectOnError?.(error) ?? false
        leave(one)
        return true
      }
    },
    look: () => {
      all.forEach(listen)
      return Promise.all(Array.from(all, act))
    }
  }
}
