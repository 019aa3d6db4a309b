import { Effect, Layer, type Redacted, Result } from "effect"
import { type Connection, Redis } from "../stream/Redis.ts"
import { makeCaBundle } from "./CaBundle.ts"
import type { RedisAddress, RedisAddressOf } from "./RedisAddress.ts"
import { makeCluster } from "./RedisCluster.ts"
import { connect, makeWatch, newConnection, type RedisPlace, sharedOptions, writerOptions } from "./RedisConnection.ts"
import { makeConnector } from "./RedisConnector.ts"
import { makeSentinels } from "./RedisSentinels.ts"
import { parseRedisUrl } from "./RedisUrl.ts"
import { makeLatest } from "./SecretFile.ts"

export interface RedisUse {
  /** A file with the authorities to trust for TLS. */
  readonly caFile?: string | undefined
  /** Whether there are writes that wait for replicas, which then have a connection to each node for themselves. */
  readonly waits?: boolean
}

/**
 * Connects to the Redis at `url`, to the cluster whose nodes it lists, or to the master that its sentinels name, and keeps trying
 * while that is away. What is in files is read again for each connection.
 */
export const layerRedis = (url: Redacted.Redacted, { caFile, waits = false }: RedisUse = {}): Layer.Layer<Redis> =>
  Layer.effect(
    Redis,
    Effect.suspend(() => {
      const ca = makeCaBundle(caFile)
      const { kind } = makeLatest(url, (text) => Result.getOrUndefined(parseRedisUrl(text)))()
      switch (kind) {
        case "single": {
          const address = addressOf(url, kind)
          return makeMaster(() => address().server, makeConnector({ replicas: false, ca }), waits)
        }
        case "cluster":
          return makeCluster(addressOf(url, kind), ca, waits)
        case "sentinels": {
          const address = addressOf(url, kind)
          return Effect.flatMap(makeSentinels(address, ca), (guide) =>
            makeMaster(() => address().login, makeConnector({ replicas: false, ca, guide }), waits, guide.follow)
          )
        }
      }
    })
  )

/** Makes a function that returns what the URL says now. It stays of its kind, for which the connections are made. */
const addressOf = <K extends RedisAddress["kind"]>(url: Redacted.Redacted, kind: K) => {
  const isOfKind = (address: RedisAddress): address is RedisAddressOf<K> => address.kind === kind
  return makeLatest(url, (text) => {
    const address = Result.getOrUndefined(parseRedisUrl(text))
    return address !== undefined && isOfKind(address) ? address : undefined
  })
}

const makeMaster = Effect.fnUntraced(function* (
  place: () => RedisPlace,
  Connector: ReturnType<typeof makeConnector>,
  waits: boolean,
  follow: (connection: Connection) => void = () => {}
) {
  const watch = yield* makeWatch({ replicas: false })
  const open = (name: string, options: Partial<typeof sharedOptions>, reads = false) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const connection = newConnection(place, { ...options, Connector, connectionName: name })
        follow(connection)
        connect(watch(name, connection, reads))
        return connection
      }),
      (connection) => Effect.sync(() => connection.disconnect())
    )
  const client = yield* open("tallykeep", sharedOptions)
  const writer = waits ? yield* open("tallykeep-writer", writerOptions) : client
  return Redis.of({
    client,
    clientOf: () => client,
    writerOf: () => writer,
    dedicated: (name) => open(name, {}, true),
    listener: (name) => open(name, {}),
    clustered: false
  })
})
