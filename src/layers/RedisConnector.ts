import { createConnection, isIP, Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { AbstractConnector, type RedisOptions } from "ioredis"
import { Unsuitable } from "../stream/Redis.ts"
import type { RedisHost } from "./RedisAddress.ts"

/** The oldest version of Redis whose commands and scripts are those that are used here; Valkey says what it is compatible with. */
const oldestVersion = 7

/** What INFO says of a server, as far as it may say it. */
interface ServerInfo {
  readonly redis_version?: string
  readonly role?: string
  readonly master_host?: string
}

/** Returns why a server can't be used, as a sentence about it; undefined where it can. */
export const whyUnsuitable = (info: ServerInfo, replicas: boolean): string | undefined => {
  const version = info.redis_version
  if (version !== undefined && Number.parseInt(version, 10) < oldestVersion) {
    return `its version is ${version}, and tallykeep needs Redis ${oldestVersion}.0 or newer, or Valkey; no votes are taken`
  }
  if (!replicas && info.role === "slave") return "it is a replica, where nothing can be written; no votes are taken"
  return undefined
}

/** Says where the server is, for those who have to ask. */
export interface Guide {
  find(signal: AbortSignal): Promise<RedisHost>
  /** Is told that the server which was found is away, or can't be used. */
  misled(): void
}

interface ConnectorOptions {
  /** Whether a replica will do. */
  readonly replicas: boolean
  /** Returns the authorities to trust for TLS; undefined for those that Node trusts. */
  readonly ca: () => string | undefined
  /** Where there is one, it says where the server is each time a connection is made; else that is in the options. */
  readonly guide?: Guide
}

/**
 * Makes a way to connect that ioredis takes: as its own, but that a connection to a server that can't be used never becomes
 * ready. It is closed, with the reason as its error, and tried again like any that is lost.
 */
export const makeConnector = ({ ca, guide, replicas }: ConnectorOptions) =>
  class Connector extends AbstractConnector {
    private readonly options: RedisOptions
    private search = new AbortController()

    constructor(options: unknown) {
      const given = options as RedisOptions
      super(given.disconnectTimeout ?? 0)
      this.options = given
    }

    override async connect(): Promise<Socket> {
      this.connecting = true
      try {
        // As late as ioredis's own does, which may be told to disconnect meanwhile.
        await new Promise((resolve) => process.nextTick(resolve))
        if (guide !== undefined && this.connecting) await this.find(guide)
        if (this.connecting) this.stream = this.open()
      } catch (error) {
        // ioredis tries again where a connection was lost, and never where it could not be made at all.
        this.stream = new Socket().destroy()
        this.firstError = error instanceof Error ? error : new Error(String(error))
      }
      if (!this.connecting) throw new Error("The connection was closed before it was made")
      return this.stream as Socket
    }

    override disconnect(): void {
      this.search.abort()
      // ioredis would wait for the end of a connection that has ended.
      if (this.stream?.destroyed) this.connecting = false
      else super.disconnect()
    }

    override check(info: ServerInfo): boolean {
      const why = whyUnsuitable(info, replicas)
      if (why === undefined) return true
      guide?.misled()
      this.stream.destroy(new Unsuitable(why))
      return false
    }

    private async find({ find }: Guide): Promise<void> {
      this.search = new AbortController()
      Object.assign(this.options, await find(this.search.signal))
    }

    private open(): Socket {
      const { family, host = "localhost", path, port = 6379, tls } = this.options
      const where = path === undefined ? { host, port, family } : { path }
      const stream = tls === undefined ? createConnection(where) : connectTls({ ...where, ...this.tlsTo(host), ...tls })
      let reached = false
      stream.once(tls === undefined ? "connect" : "secureConnect", () => {
        reached = true
      })
      stream.once("error", (error) => {
        this.firstError = error
      })
      stream.once("close", () => {
        if (!reached) guide?.misled()
      })
      return stream
    }

    private tlsTo(host: string) {
      const trusted = ca()
      return { ...(isIP(host) === 0 && { servername: host }), ...(trusted !== undefined && { ca: trusted }) }
    }
  }
