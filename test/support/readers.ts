import { Effect } from "effect"
import type { PlainReadLog } from "../../src/consumer/bytes/FastRead.ts"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { makeReader, type ReaderOptions } from "../../src/consumer/Reader.ts"
import type { Connection } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"

/** Makes a reader with the test's settings, but for `options`. */
export const readerOf = Effect.fnUntraced(function* (
  connection: Connection,
  options: Partial<ReaderOptions> & Pick<ReaderOptions, "consumer">,
  plainRead: PlainReadLog = () => Effect.void
) {
  const { group, stream } = yield* StreamSettings
  const { batchSize, blockMs, fastRead } = yield* ConsumerSettings
  return makeReader(
    connection,
    { stream, group, batchSize, blockMs, fastRead, fence: Effect.void, ...options },
    plainRead
  )
})
