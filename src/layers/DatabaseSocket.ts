import { connect, type Socket } from "node:net"
import { Duplex } from "node:stream"
import type { DatabaseHost } from "./DatabaseAddress.ts"
import { type DatabaseTls, encrypted } from "./DatabaseTls.ts"
import { until } from "./SocketEvents.ts"

/** How long a connection is silent before the system asks whether the other end is there, in ms. */
const keepAliveInitialDelay = 10_000

const unixPath = ({ name, port }: DatabaseHost): string => `${name}/.s.PGSQL.${port}`

/** Connects to a host. What leads nowhere is closed, also by the signal. */
export const openHost = async (host: DatabaseHost, tls: DatabaseTls, signal: AbortSignal): Promise<Socket> => {
  signal.throwIfAborted()
  const isUnix = host.name.startsWith("/")
  const socket = isUnix
    ? connect({ path: unixPath(host) })
    : connect({ host: host.name, port: host.port, noDelay: true, keepAlive: true, keepAliveInitialDelay })
  const abort = () => socket.destroy()
  signal.addEventListener("abort", abort, { once: true })
  try {
    await until(socket, "connect")
    return isUnix ? socket : await encrypted(socket, host.name, tls)
  } catch (error) {
    // A late failure of what is given up already concerns nobody.
    socket.on("error", () => undefined).destroy()
    throw error
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

/**
 * A connection that the PostgreSQL driver can write to at once, while we are still looking for the server. `open` is told
 * by its signal that nobody wants the connection any more; `heard` gets what the server sends, after the driver.
 */
export class DatabaseSocket extends Duplex {
  readonly #open: (signal: AbortSignal) => Promise<Socket>
  readonly #heard: (chunk: Buffer) => void
  readonly #given = new AbortController()
  #socket: Socket | undefined
  #askedAt: number | undefined

  constructor(open: (signal: AbortSignal) => Promise<Socket>, heard: (chunk: Buffer) => void = () => undefined) {
    super()
    this.#open = open
    this.#heard = heard
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#open(this.#given.signal).then(
      (socket) => {
        this.#attach(socket)
        callback()
      },
      (error) => callback(error instanceof Error ? error : new Error(String(error)))
    )
  }

  /** Since when the server owes an answer without having sent anything, by `performance.now()`. */
  get askedAt(): number | undefined {
    return this.#askedAt
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.on("data", (chunk) => {
      this.#askedAt = undefined
      if (!this.push(chunk)) socket.pause()
      this.#heard(chunk)
    })
    socket.on("error", (error) => this.destroy(error))
    socket.on("close", () => this.destroy())
  }

  override _read(): void {
    this.#socket?.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#askedAt ??= performance.now()
    this.#socket?.write(chunk, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket?.end(callback)
  }

  // Node calls _destroy only once the connection has been found or not: the search has to be told before.
  override destroy(error?: Error): this {
    this.#given.abort()
    return super.destroy(error)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket?.destroy()
    callback(error)
  }
}
