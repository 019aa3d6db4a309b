import { Effect, Layer, Redacted } from "effect"
import { Redis } from "../stream/Redis.ts"
import { makeCluster } from "./RedisCluster.ts"
import { connect, makeWatch, newConnection, sharedOptions, writerOptions } from "./RedisConnection.ts"
import { makeConnector } from "./RedisConnector.ts"
import { listedUrls } from "./SettingKinds.ts"

/**
 * Connects to the Redis at `url`, or to the cluster whose nodes it lists, and keeps trying while it is away. `waits` says whether
 * there are writes that wait for replicas, which then have a connection to each node for themselves.
 */
export const layerRedis = (url: Redacted.Redacted, waits = false): Layer.Layer<Redis> => {
  const urls = listedUrls(Redacted.value(url))
  return Layer.effect(Redis, urls.length > 1 ? makeCluster(urls, waits) : makeSingle(urls[0] ?? "", waits))
}

const Connector = makeConnector({ replicas: false })

const makeSingle = Effect.fnUntraced(function* (url: string, waits: boolean) {
  const watch = yield* makeWatch({ replicas: false })
  const open = (name: string, options: Partial<typeof sharedOptions>, reads = false) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const connection = watch(name, newConnection(url, { ...options, Connector, connectionName: name }), reads)
        connect(connection)
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
