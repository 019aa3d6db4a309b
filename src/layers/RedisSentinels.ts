import { Effect } from "effect"
import { Redis as IoRedis } from "ioredis"
import { reasonOf } from "../domain/ReasonOf.ts"
import type { Connection } from "../stream/Redis.ts"
import { firstAnswer } from "./FirstAnswer.ts"
import { nameOf, type RedisAddressOf, type RedisHost, type RedisServer } from "./RedisAddress.ts"
import { optionsOf } from "./RedisConnection.ts"
import { type Guide, makeConnector } from "./RedisConnector.ts"

/*
 * Sentinels watch a master and its replicas, and make a replica the master when that is away. ioredis's own way to ask them is
 * of no use here: it asks one after the other and so waits for each that hangs, keeps to the passwords that it was made with,
 * and does not leave a master that lives on after another one was chosen. Until such a master is told to be a replica, which
 * can take ten seconds, what it is given is lost.
 */

/** How long a sentinel may take to be connected to, and again to answer, in ms. */
const patience = 1_000

/** How often the sentinels are asked whether the master is still the same, in ms. */
const askInterval = 1_000

type SentinelsAddress = RedisAddressOf<"sentinels">

/** Asks one of them, by a connection of its own. */
const makeAsk = (ca: () => string | undefined) => {
  const Connector = makeConnector({ replicas: true, ca })
  return async (sentinel: RedisServer, masterName: string, signal: AbortSignal): Promise<RedisHost> => {
    signal.throwIfAborted()
    const client = new IoRedis({
      ...optionsOf(sentinel),
      Connector,
      lazyConnect: true,
      retryStrategy: () => null,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectTimeout: patience,
      commandTimeout: patience
    })
    let reason: Error | undefined
    client.on("error", (error) => {
      reason ??= error
    })
    const close = () => client.disconnect()
    signal.addEventListener("abort", close, { once: true })
    try {
      await client.connect()
      const [host, port] = ((await client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)) ??
        []) as Array<string>
      if (host === undefined) throw new Error(`knows no master ${masterName}`)
      return { host, port: Number(port) }
    } catch (error) {
      throw new Error(`${nameOf(sentinel)}: ${reasonOf(reason ?? error)}`)
    } finally {
      signal.removeEventListener("abort", close)
      client.disconnect()
    }
  }
}

export interface Sentinels extends Guide {
  /** Has a connection leave a server that is not the master any more, until it is closed for good. */
  follow(connection: Connection): void
}

/** Makes what knows where the master is, for as long as the scope. */
export const makeSentinels = Effect.fnUntraced(function* (
  address: () => SentinelsAddress,
  ca: () => string | undefined
) {
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const ask = makeAsk(ca)
  const connections = new Set<Connection>()
  /** The sentinel that answered last, which is asked first; and the last one that was wrong, which is asked last. */
  let preferred: string | undefined
  let wrong: string | undefined
  let master: string | undefined

  const rank = (sentinel: RedisServer): number => {
    const name = nameOf(sentinel)
    return name === preferred ? 0 : name === wrong ? 2 : 1
  }

  const know = (found: RedisHost): void => {
    const name = nameOf(found)
    if (master !== undefined && master !== name) {
      runFork(Effect.logWarning(`Redis: the master is ${name} by now, not ${master}`))
    }
    master = name
  }

  const find = async (signal: AbortSignal): Promise<RedisHost> => {
    const { masterName, sentinels } = address()
    const byRank = [...sentinels].sort((a, b) => rank(a) - rank(b))
    const { found, name } = await firstAnswer(byRank, signal, async (sentinel, until) => ({
      found: await ask(sentinel, masterName, until),
      name: nameOf(sentinel)
    })).catch(({ errors }: AggregateError) => {
      const why = `No sentinel says where the master is: ${errors.map(reasonOf).join("; ")}`
      // As of a server that can't be reached, which is another matter than one that can't be used.
      throw Object.assign(new Error(why), { syscall: "connect" })
    })
    preferred = name
    if (wrong === name) wrong = undefined
    know(found)
    return found
  }

  const leaveOthers = (found: RedisHost): void => {
    for (const connection of connections) {
      const { options, status } = connection
      // What was asked is answered first.
      if (status === "ready" && nameOf(options as RedisHost) !== nameOf(found)) connection.disconnect(true)
    }
  }

  const stopped = new AbortController()
  let asking = false
  const look = (): void => {
    if (asking) return
    asking = true
    find(stopped.signal)
      // Those who connect say so where no sentinel answers.
      .then(leaveOthers, () => undefined)
      .finally(() => {
        asking = false
      })
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(look, askInterval)),
    (timer) =>
      Effect.sync(() => {
        clearInterval(timer)
        stopped.abort()
      })
  )

  return {
    find,
    misled: () => {
      wrong = preferred ?? wrong
      preferred = undefined
    },
    follow: (connection) => {
      connections.add(connection)
      connection.on("end", () => connections.delete(connection))
    }
  } satisfies Sentinels
})
