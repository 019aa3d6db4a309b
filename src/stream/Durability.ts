import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { reasonOf } from "../domain/ReasonOf.ts"
import type { Connection } from "./Redis.ts"
import { command, isReply } from "./Redis.ts"

/**
 * What an appended vote survives, the strongest first. `fsync`: it is on disk before the 201. `everysec`: a power cut can
 * cost the votes of the last second. `memory`: a restart of Redis can cost all votes that are not counted yet.
 */
export const durabilities = ["fsync", "everysec", "memory"] as const
export type Durability = (typeof durabilities)[number]

/** What Redis writes to disk, each with where INFO tells whether it could the last time. */
const writes = {
  aof: "aof_last_write_status",
  aof_rewrite: "aof_last_bgrewrite_status",
  rdb: "rdb_last_bgsave_status"
} as const
export type DiskWrite = keyof typeof writes
export const diskWrites = Object.keys(writes) as ReadonlyArray<DiskWrite>

/** How Redis keeps votes, and what an operator should be warned of. */
export interface Keeping {
  readonly durability: Durability
  /** Whether it may throw votes away when its memory is full. */
  readonly evicts: boolean
  /** The memory that it may use, in bytes: `maxmemory`; infinite where that is not set, or not told. */
  readonly maxMemory: number
  /** Which part of that is in use; 0 where there is no bound. */
  readonly memoryRatio: number
  /** What it could not write to disk the last time. */
  readonly unwritten: ReadonlyArray<DiskWrite>
  readonly warnings: ReadonlyArray<string>
}

const valueIn = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1]

/**
 * Asks Redis how it keeps votes. Where it hides its configuration, as some hosted ones do, or its user may not ask for either, the
 * weaker promise is assumed.
 */
export const readKeeping = (client: Connection): Effect.Effect<Keeping, OutOfService> =>
  Effect.gen(function* () {
    const told = yield* command(() => client.info()).pipe(
      Effect.catchIf(isReply, (error) => Effect.succeed({ refused: reasonOf(error.cause) }))
    )
    const info = typeof told === "string" ? told : ""
    const fsync = yield* command(() => client.config("GET", "appendfsync")).pipe(
      Effect.map((reply) => (Array.isArray(reply) ? String(reply[1]) : "unknown")),
      Effect.catchIf(isReply, () => Effect.succeed("unknown"))
    )
    const aof = valueIn(info, "aof_enabled") === "1"
    const durability = !aof || fsync === "no" ? "memory" : fsync === "always" ? "fsync" : "everysec"
    const warnings: Array<string> = []
    if (typeof told !== "string") {
      warnings.push(`Whether a crash of Redis loses votes is not known, since it does not tell (${told.refused})`)
    } else if (durability === "memory") {
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
    const memoryRatio = Number(valueIn(info, "used_memory") ?? 0) / maxMemory
    const unwritten = diskWrites.filter((write) => valueIn(info, writes[write]) === "err")
    return { durability, evicts, maxMemory, memoryRatio, unwritten, warnings }
  })
