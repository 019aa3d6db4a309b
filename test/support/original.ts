import { PgClient } from "@effect/sql-pg"
import { Array, Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { makeEmptyDatabase } from "./databases.ts"

/** The group of the stream that the original's consumer is. */
export const originalGroup = "vote-processors"

let requests = 0

/** The fields of an entry as the original appends them. */
export const originalEntry = (option: string): ReadonlyArray<string> => [
  ...["option", option, "timestamp", new Date().toISOString().replace("Z", "456")],
  ...["request_id", `request-${requests++}`]
]

/** Appends votes as the original does, for cats and dogs in turn. */
export const appendOriginal = Effect.fnUntraced(function* (votes: number) {
  const { client } = yield* Redis
  const { stream } = yield* StreamSettings
  const pipeline = client.pipeline()
  for (let index = 0; index < votes; index++) {
    pipeline.xadd(stream, "*", ...originalEntry(index % 2 === 0 ? "cats" : "dogs"))
  }
  yield* Effect.promise(() => pipeline.exec())
})

/** The original's database, and its consumer. */
export const makeOriginal = Effect.gen(function* () {
  const url = yield* makeEmptyDatabase
  const sql = Context.get(yield* Layer.build(PgClient.layer({ url, maxConnections: 1 })), SqlClient.SqlClient)
  const run = (statement: string) => sql.unsafe(statement)
  yield* run("create table votes (option text primary key, count integer not null default 0)")

  const add = (option: string, votes: number) => sql`
    insert into votes as v (option, count) values (${option}, ${votes})
    on conflict (option) do update set count = v.count + excluded.count`

  /**
   * Reads entries of the stream, counts them and acks them. Then it is given `unacked` more, and stops in the middle. `more`
   * are votes for cats that no entry is there for.
   */
  const count = Effect.fnUntraced(function* (votes: number, { more = 0, unacked = 0 } = {}) {
    const { client } = yield* Redis
    const { stream } = yield* StreamSettings
    const read = (entries: number) =>
      client.xreadgroup("GROUP", originalGroup, "old", "COUNT", entries, "STREAMS", stream, ">") as Promise<
        ReadonlyArray<readonly [string, ReadonlyArray<readonly [id: string, fields: ReadonlyArray<string>]>]>
      >
    if (more > 0) yield* add("cats", more)
    if (votes === 0) return
    yield* Effect.promise(() => client.xgroup("CREATE", stream, originalGroup, "0").catch(() => undefined))
    const [[, entries] = ["", []]] = yield* Effect.promise(() => read(votes))
    const options = Object.entries(Array.groupBy(entries, ([, fields]) => String(fields[1])))
    for (const [option, some] of options) yield* add(option, some.length)
    yield* Effect.promise(() => client.xack(stream, originalGroup, ...entries.map(([id]) => id)))
    if (unacked > 0) yield* Effect.promise(() => read(unacked))
  })
  return { url, run, count }
})

/** The settings of a test's stream, as commands have them. */
export const auditSettings = Effect.map(StreamSettings, ({ group, shards, stream }) => ({
  consumerGroup: group,
  streamName: stream,
  streamShards: shards
}))
