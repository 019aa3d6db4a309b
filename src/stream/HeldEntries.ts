import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { command } from "./Redis.ts"
import type { Shard } from "./Shards.ts"

const pageSize = 5_000

/** What a stream holds from an id to another; ids as XRANGE has them. */
export interface HeldRange {
  readonly from: string
  readonly to: string
}

/** An entry as XRANGE returns it: its id, and its fields' names and values in turn. */
export type RawEntry = readonly [id: string, fields: Array<string>]

/** Hands over the entries that a stream holds in a range, a page at a time, until `use` returns false. */
export const eachHeld = <E, R>(
  { client, stream }: Shard,
  { from, to }: HeldRange,
  use: (page: ReadonlyArray<RawEntry>) => Effect.Effect<boolean, E, R>
): Effect.Effect<void, E | OutOfService, R> =>
  eachPage((start) => client.xrange(stream, start, to, "COUNT", pageSize), from, use)

/** Reads pages of rows that begin with an entry's id, each after the last id of the one before. */
export const eachPage = Effect.fnUntraced(function* <
  Row extends readonly [id: string, ...rest: ReadonlyArray<unknown>],
  E,
  R
>(
  read: (from: string) => Promise<ReadonlyArray<Row>>,
  first: string,
  use: (page: ReadonlyArray<Row>) => Effect.Effect<boolean, E, R>
) {
  for (let from = first; ; ) {
    const start = from
    const page = yield* command(() => read(start))
    const last = page.at(-1)
    if (last === undefined || !(yield* use(page))) return
    from = `(${last[0]}`
  }
})

/** Returns the names and values that Redis says in turn, by name. */
export const infoRecord = (info: ReadonlyArray<unknown>): Record<string, unknown> =>
  Object.fromEntries(info.flatMap((name, index) => (index % 2 === 0 ? [[String(name), info[index + 1]]] : [])))

/** What a stream holds, and how much of what it ever took it does not hold any more. */
export interface HeldStream {
  readonly stream: string
  readonly entries: number
  /** The id of the first entry that it holds. */
  readonly first: string | undefined
  readonly gone: number
}

export const readHeldStream = ({ client, stream }: Shard): Effect.Effect<HeldStream, OutOfService> =>
  command(async () => {
    if ((await client.exists(stream)) === 0) return { stream, entries: 0, first: undefined, gone: 0 }
    const info = infoRecord((await client.xinfo("STREAM", stream)) as ReadonlyArray<unknown>)
    const first = Array.isArray(info["first-entry"]) ? String(info["first-entry"][0]) : undefined
    return { stream, entries: Number(info.length), first, gone: Number(info["entries-added"]) - Number(info.length) }
  })

/** Returns the id of the last entry that a group was given; undefined where there is no group. */
export const lastDelivered = (
  { client, stream }: Shard,
  group: string
): Effect.Effect<string | undefined, OutOfService> =>
  command(async () => {
    if ((await client.exists(stream)) === 0) return undefined
    const groups = (await client.xinfo("GROUPS", stream)) as ReadonlyArray<ReadonlyArray<unknown>>
    const id = groups.map(infoRecord).find(({ name }) => name === group)?.["last-delivered-id"]
    return typeof id === "string" ? id : undefined
  })
