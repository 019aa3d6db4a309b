import { PgConnection } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { makeBackendReader } from "./BackendMessages.ts"
import type { DatabaseAddress, DatabaseHost } from "./DatabaseAddress.ts"
import { type AskState, makeHosts, nameOf } from "./DatabaseHosts.ts"
import { DatabaseSocket, openHost } from "./DatabaseSocket.ts"

/** The SQLSTATEs by which a server says that it can't do our work, whatever it is asked. */
const unfitStates = new Map([
  ["25006", "it is read-only"],
  ["57P01", "it is shutting down"],
  ["57P02", "it restarts after a crash"],
  ["57P03", "it takes no connections now"]
])

/** How often the log says that connections were given up, in ms: it can be once a second, until names lead elsewhere. */
const sayInterval = 60_000

/** Asks a server by a connection of its own, which any pooler allows. */
const makeAskState =
  (address: () => DatabaseAddress): AskState =>
  (host, signal) => {
    const { database, options, password, tls, user } = address()
    return Effect.gen(function* () {
      const connection = yield* PgConnection.make({
        username: user,
        password: password === undefined ? undefined : Redacted.make(password),
        database,
        applicationName: "tallykeep",
        startupOptions: options,
        prepare: false,
        ssl: false,
        stream: () => new DatabaseSocket((given) => openHost(host, tls, given))
      })
      const { rows } = yield* connection.query(
        "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as \"readOnly\""
      )
      return { standby: rows[0]?.standby === true, readOnly: rows[0]?.readOnly === true }
    }).pipe(Effect.scoped, (asked) => Effect.runPromise(asked, { signal }))
  }

/**
 * Makes a function that opens a connection for the driver, and one that says where the last one leads. Where a server says that it can't do our work, because another
 * one has become the primary, all connections that were made up to then are closed: the next ones are made anew, to where
 * the names lead now, or to another host of the address.
 */
export const makePostgresSockets = Effect.fnUntraced(function* (address: () => DatabaseAddress) {
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const hosts = makeHosts(address, makeAskState(address))
  /** Those that are open, in the order in which they were made, with their hosts once they have one. */
  const sockets = new Map<DatabaseSocket, DatabaseHost | undefined>()
  let saidAt = Number.NEGATIVE_INFINITY

  const say = (host: DatabaseHost, why: string): void => {
    const now = performance.now()
    if (now - saidAt < sayInterval) return
    saidAt = now
    runFork(Effect.logWarning(`Gives up its connections to PostgreSQL at ${nameOf(host)}: ${why}`))
  }

  /** Closes a connection and those that are older. */
  const giveUp = (refused: DatabaseSocket, why: string): void => {
    const host = sockets.get(refused)
    if (host === undefined) return
    hosts.giveUp(host)
    say(host, why)
    for (const socket of [...sockets.keys()]) {
      sockets.delete(socket)
      socket.destroy()
      if (socket === refused) return
    }
  }

  const open = () => {
    let why: string | undefined
    const heard = makeBackendReader({
      error: (state) => {
        why = unfitStates.get(state) ?? why
      },
      idle: () => {
        if (why !== undefined) giveUp(socket, why)
      }
    })
    const socket: DatabaseSocket = new DatabaseSocket(async (signal) => {
      const opened = await hosts.open(signal)
      sockets.set(socket, opened.host)
      return opened.socket
    }, heard)
    sockets.set(socket, undefined)
    socket.once("close", () => {
      if (why !== undefined) giveUp(socket, why)
      sockets.delete(socket)
    })
    return socket
  }
  return { open, connected: hosts.connected }
})
