import { PgConnection } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { onBeatWhileBusy } from "../Elapsed.ts"
import { makeBackendReader } from "./BackendMessages.ts"
import { type DatabaseAddress, type DatabaseHost, nameOf } from "./DatabaseAddress.ts"
import { type AskState, makeHosts } from "./DatabaseHosts.ts"
import { DatabaseSocket, openHost } from "./DatabaseSocket.ts"

/** The SQLSTATEs by which a server says that it can't do our work, whatever it is asked. */
const unfitStates = new Map([
  ["25006", "it is read-only, as a standby is, or for this role by default_transaction_read_only"],
  ["57P01", "it is shutting down"],
  ["57P02", "it restarts after a crash"],
  ["57P03", "it takes no connections now"]
])

/** How often the log says that connections were given up for the same reason, in ms: it can be once a second, until names lead elsewhere. */
const sayInterval = 60_000

/** How long a server may owe an answer before it is asked what it does, and how long it has to say so, in ms. */
const silence = 2_500
const askTimeout = 1_000

type Row = Readonly<Record<string, unknown>> | undefined

/** Asks a server for a row by a connection of its own, which any pooler allows. */
const makeAsk =
  (address: () => DatabaseAddress) =>
  (host: DatabaseHost, signal: AbortSignal, statement: string): Promise<Row> => {
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
      const { rows } = yield* connection.query(statement)
      return rows[0]
    }).pipe(Effect.scoped, (asked) => Effect.runPromise(asked, { signal }))
  }

/**
 * Makes a function that opens a connection for the driver, and one that says where the last one leads. Where a server says that it
 * can't do our work, because another one has become the primary, or a connection has gone dead, all connections that were made up to
 * then are closed: the next ones are made anew, to where the names lead now, or to another host of the address.
 */
export const makePostgresSockets = Effect.fnUntraced(function* (address: () => DatabaseAddress) {
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const ask = makeAsk(address)
  const askState: AskState = async (host, signal) => {
    const row = await ask(
      host,
      signal,
      "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as \"readOnly\""
    )
    return { standby: row?.standby === true, readOnly: row?.readOnly === true }
  }
  const hosts = makeHosts(address, askState)
  /** Those that are open, in the order in which they were made, with their hosts once they have one. */
  const sockets = new Map<DatabaseSocket, DatabaseHost | undefined>()
  const pids = new WeakMap<DatabaseSocket, number>()
  /** When the log has said what, last. */
  const said = new Map<string, number>()

  const say = (host: DatabaseHost, why: string): void => {
    const [now, words] = [performance.now(), `Gives up its connections to PostgreSQL at ${nameOf(host)}: ${why}`]
    if (now - (said.get(words) ?? Number.NEGATIVE_INFINITY) < sayInterval) return
    said.set(words, now)
    runFork(Effect.logWarning(words))
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
      started: (pid) => pids.set(socket, pid),
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

  /**
   * Gives up a connection whose server waits for a statement that was sent a while ago: what one says does not reach the other any
   * more. A long statement goes on, and what a pooler's ids stand for, nobody knows.
   */
  const lookAfter = async (socket: DatabaseSocket, now: number): Promise<void> => {
    const { askedAt } = socket
    const [host, pid] = [sockets.get(socket), pids.get(socket)]
    if (host === undefined || pid === undefined || askedAt === undefined || now - askedAt < silence) return
    const idle = "state like 'idle%' and state_change < clock_timestamp() - interval '1 s'"
    const asked = ask(
      host,
      AbortSignal.timeout(askTimeout),
      `select ${idle} as idle from pg_stat_activity where pid = ${pid}`
    )
    const row = await asked.catch(() => undefined)
    if (row?.idle === true && socket.askedAt === askedAt) giveUp(socket, "what is said does not reach the other end")
  }
  /** Tells whether any is asked something. What is asked later than that is not silent yet when it is looked at again. */
  const lookAfterAll = Effect.promise(async () => {
    const now = performance.now()
    await Promise.all([...sockets.keys()].map((socket) => lookAfter(socket, now)))
    return [...sockets.keys()].some(({ askedAt }) => askedAt !== undefined)
  })
  yield* Effect.forkScoped(Effect.repeat(lookAfterAll, onBeatWhileBusy(500)))
  return { open, connected: hosts.connected }
})
