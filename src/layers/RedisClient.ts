import { Effect, Layer, Redacted } from "effect"
import { Redis } from "../stream/Redis.ts"
import { makeCluster } from "./RedisCluster.ts"
import { connect, makeWatch, newConnection, sharedOptions } from "./RedisConnection.ts"
import { makeConnector } from "./RedisConnector.ts"
import { listedUrls } from "./SettingKinds.ts"

/** Connects to the Redis at `url`, or to the cluster whose nodes it lists, and keeps trying while it is away. */
export const layerRedis = (url: Redacted.Redacted): Layer.Layer<Redis> => {
  const urls = listedUrls(Redacted.value(url))
  return Layer.effect(Redis, urls.length > 1 ? makeCluster(urls) : makeSingle(urls[0] ?? ""))
}

const Connector = makeConnector({ replicas: false })

const makeSingle = Effect.fnUntraced(function* (url: string) {
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
  return Redis.of({
    client,
    clientOf: () => client,
    dedicated: (name) => open(name, {}, true),
    listener: (name) => open(name, {}),
    clustered: false
  })
})
