import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import type { Connection } from "./Redis.ts"
import { command, isReply } from "./Redis.ts"

/**
 * What an appended vote survives, the strongest first. `fsync`: it is on disk before the 201. `everysec`: a power cut can
 * cost the votes of the last second. `memory`: a restart of Redis can cost all votes that are not counted yet.
 */
export const durabilities = ["fsync", "everysec", "memory"] as const
export type Durability = (typeof durabilities)[number]

/** How Redis keeps votes, and what an operator should be warned of. */
export interface Keeping {
  readonly durability: Durability
  /** Whether it may throw votes away when its memory is full. */
  readonly evicts: boolean
  /** The memory that it may use, in bytes: `maxmemory`; infinite where that is not set, or not told. */
  readonly maxMemory: number
  readonly warnings: ReadonlyArray<string>
}

const valueIn = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1]

/** Asks Redis how it keeps votes. Where it hides its configuration, as some hosted ones do, the weaker promise is assumed. */
export const readKeeping = (client: Connection): Effect.Effect<Keeping, OutOfService> =>
  Effect.gen(function* () {
    const info = yield* command(() => client.info())
    const fsync = yield* command(() => client.config("GET", "appendfsync")).pipe(
      Effect.map((reply) => (Array.isArray(reply) ? String(reply[1]) : "unknown")),
      Effect.catchIf(isReply, () => Effect.succeed("unknown"))
    )
    const aof = valueIn(info, "aof_enabled") === "1"
    const durability = !aof || fsync === "no" ? "memory" : fsync === "always" ? "fsync" : "everysec"
    const warnings: Array<string> = []
    if (durability === "memory") {
      warnings.push(
        "Redis does not persist each vote (appendonly is off, or appendfsync is no): a crash of it loses votes"
      )
    } else if (durability === "everysec") {
      warnings.push("Redis writes to disk each second: a power cut can lose the votes of the last one; see appendfsync")
    }
    const policy = valueIn(info, "maxmemory_policy")
    const evicts = policy !== undefined && policy !== "noeviction"
    if (evicts) {
      warnings.push(`Redis may evict votes when its memory is full (maxmemory-policy ${policy}): set it to noeviction`)
    }
    const maxMemory = Number(valueIn(info, "maxmemory") ?? 0) || Number.POSITIVE_INFINITY
    return { durability, evicts, maxMemory, warnings }
  })
