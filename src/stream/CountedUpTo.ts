import { Effect } from "effect"
import { command } from "./Redis.ts"
import { makeFence } from "./ReplicatedWrites.ts"
import type { Shard } from "./Shards.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/**
 * Makes the function that finds the time up to which all that some shards ever took is counted, at most `latest`, in ms since
 * 1970; none of them takes anything more before it (counted_up_to.lua). It fails while one of them can't be asked.
 */
export const makeCountedUpTo = ({
  appendReplicas,
  group
}: Pick<StreamSettings["Service"], "appendReplicas" | "group">) => {
  const fence = makeFence(appendReplicas)
  return Effect.fnUntraced(function* (asked: ReadonlyArray<Shard>, latest: number) {
    const ask = (shard: Shard) =>
      Effect.tap(
        command(() => shard.client.countedUpTo(shard.stream, group, latest)),
        // A replica that takes over has to know of the raised id.
        () => fence(shard, shard.writer)
      )
    const times = yield* Effect.forEach(asked, ask, { concurrency: "unbounded" })
    return Math.min(latest, ...times.map(Number))
  })
}
