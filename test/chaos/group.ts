import { Redis } from "ioredis"

/** What the stream's consumer group still has to do. */
export interface Group {
  /** Whether every entry was handed out. Redis's own "lag" can't be trusted: it can be far off after a restart. */
  readonly allGiven: boolean
  /** Entries handed out and not acked. */
  readonly pending: number
}

const record = (flat: ReadonlyArray<unknown>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : [])))

type Infos = ReadonlyArray<ReadonlyArray<unknown>>

export const withRedis = async <A>(url: string, use: (client: Redis) => Promise<A>): Promise<A> => {
  const client = new Redis(url, { retryStrategy: () => null })
  client.on("error", () => undefined)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

export const readGroup = (url: string): Promise<Group> =>
  withRedis(url, async (client) => {
    const groups = (await client.xinfo("GROUPS", "votes")) as Infos
    const [group = {}] = groups.map(record)
    const given = group["last-delivered-id"]
    // The last id may be ahead of the last entry.
    const waiting = await client.xrange("votes", `(${given ?? "0-0"}`, "+", "COUNT", 1)
    return { allGiven: given !== undefined && waiting.length === 0, pending: Number(group.pending) }
  })

/** Returns the names of the connections that have sent a read of the stream a moment ago. */
export const readersOf = (url: string): Promise<ReadonlyArray<string>> =>
  withRedis(url, async (client) => {
    const lines = String(await client.client("LIST")).split("\n")
    // What Redis says about its consumers can't be trusted: before 7.2, one that waits for entries seems silent.
    const reading = lines.filter((line) => / cmd=xreadgroup /.test(line) && / idle=[0-3] /.test(line))
    return reading.flatMap((line) => / name=(\S+) /.exec(line)?.[1] ?? [])
  })
