import { Effect } from "effect"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"

let requests = 0

/** The fields of an entry as the original appends them. */
export const originalEntry = (option: string): Array<string> => [
  ...["option", option, "timestamp", new Date().toISOString().replace("Z", "456")],
  ...["request_id", `request-${requests++}`]
]

/** The settings of a test's stream, as commands have them. */
export const auditSettings = Effect.map(StreamSettings, ({ group, shards, stream }) => ({
  consumerGroup: group,
  streamName: stream,
  streamShards: shards
}))
