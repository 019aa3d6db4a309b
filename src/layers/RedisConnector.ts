import { createConnection, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { AbstractConnector, type RedisOptions } from "ioredis"
import { Unsuitable } from "../stream/Redis.ts"

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

/**
 * Makes a way to connect that ioredis takes: as its own, but that a connection to a server that can't be used never becomes
 * ready. It is closed, with the reason as its error, and tried again like any that is lost. `replicas` says whether a replica
 * will do.
 */
export const makeConnector = ({ replicas }: { readonly replicas: boolean }) =>
  class Connector extends AbstractConnector {
    private readonly options: RedisOptions

    constructor(options: unknown) {
      const given = options as RedisOptions
      super(given.disconnectTimeout ?? 0)
      this.options = given
    }

    override async connect(): Promise<Socket> {
      const { family, host, path, port, tls } = this.options
      this.connecting = true
      // As late as ioredis's own does, which may be told to disconnect meanwhile.
      await new Promise((resolve) => process.nextTick(resolve))
      if (!this.connecting) throw new Error("The connection was closed before it was made")
      const where = path === undefined ? { host, port: port ?? 6379, family } : { path }
      const stream = tls === undefined ? createConnection(where) : connectTls({ ...where, ...tls })
      this.stream = stream
      stream.once("error", (error) => {
        this.firstError = error
      })
      return stream
    }

    override check(info: ServerInfo): boolean {
      const why = whyUnsuitable(info, replicas)
      if (why !== undefined) this.stream.destroy(new Unsuitable(why))
      return why === undefined
    }
  }
