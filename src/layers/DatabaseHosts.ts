import type { Socket } from "node:net"
import { reasonOf } from "../domain/ReasonOf.ts"
import { codesOf } from "../ledger/SqlFailure.ts"
import { type DatabaseAddress, type DatabaseHost, nameOf, type Target } from "./DatabaseAddress.ts"
import { openHost } from "./DatabaseSocket.ts"
import { firstAnswer } from "./FirstAnswer.ts"

/** What a session at a server can do. */
export interface SessionState {
  /** The server follows another one. */
  readonly standby: boolean
  /** Transactions can't write unless they ask to. */
  readonly readOnly: boolean
}

/** Asks a server for it, in a session of its own. */
export type AskState = (host: DatabaseHost, signal: AbortSignal) => Promise<SessionState>

/** Opens connections to a host that is what the address asks for, and stays with it until it is given up. */
export interface DatabaseHosts {
  open(signal: AbortSignal): Promise<{ readonly host: DatabaseHost; readonly socket: Socket }>
  /** Has the hosts looked at again for the next connection, this one last. */
  giveUp(host: DatabaseHost): void
  /** Returns the host that the last connection was made to. */
  readonly connected: () => DatabaseHost | undefined
}

/** The attribute of a span that tells its server: a function, since a statement may have to connect first. */
export const databaseServer = "tallykeep.database_server"

/** What makes a server unfit for a target; undefined for nothing. */
const unfit = (target: Target, { readOnly, standby }: SessionState): string | undefined => {
  if (target === "read-write" && (standby || readOnly)) return "is read-only"
  if (target === "read-only" && !(standby || readOnly)) return "is not read-only"
  if (target === "primary" && standby) return "is a standby"
  if (target === "standby" && !standby) return "is no standby"
  return undefined
}

/** A host that can't be taken; the code is that of the server or the system, which may say that time does not help. */
class Unusable extends Error {
  readonly code: string | undefined
  constructor(message: string, cause?: unknown) {
    super(message)
    this.code = codesOf(cause)[0]
  }
}

type Check = (host: DatabaseHost, signal: AbortSignal) => Promise<string | undefined>

/** Returns the first host with which there is no problem. */
const firstOf = (hosts: ReadonlyArray<DatabaseHost>, signal: AbortSignal, check: Check): Promise<DatabaseHost> =>
  firstAnswer(hosts, signal, async (host, until) => {
    const problem = await check(host, until).catch((cause) => {
      throw new Unusable(`${nameOf(host)} can't be used: ${reasonOf(cause)}`, cause)
    })
    if (problem !== undefined) throw new Unusable(`${nameOf(host)} ${problem}`)
    return host
  }).catch(({ errors }: AggregateError) => {
    const told = errors.filter((problem) => problem instanceof Unusable)
    throw new Unusable(
      told.map(({ message }) => message).join("; "),
      told.find(({ code }) => code)
    )
  })

/** Keeps to the address as it is whenever a connection is made. */
export const makeHosts = (address: () => DatabaseAddress, ask: AskState): DatabaseHosts => {
  let chosen: string | undefined
  let connected: DatabaseHost | undefined
  let last: string | undefined

  const find = (target: Target, { hosts, tls }: DatabaseAddress, signal: AbortSignal): Promise<DatabaseHost> => {
    const check: Check = async (host, until) => {
      if (target !== "any") return unfit(target, await ask(host, until))
      const socket = await openHost(host, tls, until)
      socket.on("error", () => undefined).destroy()
      return undefined
    }
    const isLast = (host: DatabaseHost) => Number(nameOf(host) === last)
    return firstOf(
      [...hosts].sort((a, b) => isLast(a) - isLast(b)),
      signal,
      check
    )
  }

  const choose = async (at: DatabaseAddress, signal: AbortSignal): Promise<DatabaseHost> => {
    const { hosts, target } = at
    if (hosts.length === 1 && (target === "any" || target === "prefer-standby")) return hosts[0]
    try {
      return await find(target === "prefer-standby" ? "standby" : target, at, signal)
    } catch (error) {
      if (target === "prefer-standby") return find("any", at, signal)
      const wanted = target === "any" ? "" : ` for target_session_attrs=${target}`
      throw new Unusable(`No host can be used${wanted}: ${reasonOf(error)}`, error)
    }
  }

  const connectTo = async (host: DatabaseHost, at: DatabaseAddress, signal: AbortSignal) => {
    try {
      const socket = await openHost(host, at.tls, signal)
      chosen = nameOf(host)
      connected = host
      return { host, socket }
    } catch (error) {
      if (chosen === nameOf(host)) chosen = undefined
      throw error
    }
  }

  return {
    open: async (signal) => {
      const at = address()
      const known = at.hosts.find((host) => nameOf(host) === chosen)
      if (known !== undefined) {
        try {
          return await connectTo(known, at, signal)
        } catch (error) {
          if (at.hosts.length === 1 || signal.aborted) throw error
        }
      }
      return connectTo(await choose(at, signal), at, signal)
    },
    giveUp: (host) => {
      last = nameOf(host)
      if (chosen === last) chosen = undefined
    },
    connected: () => connected
  }
}
