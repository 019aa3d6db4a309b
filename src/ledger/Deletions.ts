import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { outOfService } from "./Bounded.ts"
import { arrayOf } from "./Parameters.ts"

const timeout = "30 seconds"

/** Returns when these polls were deleted the last time, in ms since 1970; those that never were are not in it. */
export const lastDeletions = Effect.fnUntraced(function* (polls: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ poll: string; ms: bigint }>`
    select poll, (extract(epoch from max(at)) * 1000)::bigint as ms
    from admin_event where poll = any (${arrayOf("text", polls)}) and what = 'delete' group by poll`.pipe(
    outOfService(timeout)
  )
  return new Map(rows.map(({ ms, poll }) => [poll, ms]))
})
