import { Effect, Redacted } from "effect"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { dataFolder } from "./dataFolder.ts"
import { makeReplica } from "./makeReplica.ts"
import { quiet } from "./servers.ts"

/** Starts a PostgreSQL and a streaming replica of it. */
export const primaryAndReplica = Effect.gen(function* () {
  const [primaryDir, replicaDir] = [yield* dataFolder, yield* dataFolder]
  const primary = yield* startPostgres({ dataDir: primaryDir })
  yield* makeReplica({ dataDir: primaryDir, url: Redacted.value(primary.url), port: primary.port }, replicaDir)
  return { primary, replica: yield* startPostgres({ dataDir: replicaDir }) }
}).pipe(Effect.provide(quiet))
