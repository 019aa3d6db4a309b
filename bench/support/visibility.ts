import { setTimeout as sleep } from "node:timers/promises"
import { openDatabase } from "./database.ts"

/** Which transactions a question to the database could see the work of, and when it was answered, in ms since 1970. */
interface Look {
  readonly at: number
  /** The first transaction that had not begun. */
  readonly next: number
  /** Those before it that had not ended. */
  readonly open: ReadonlySet<number>
}

/** How often the database is asked, in ms: a commit is seen by so much later at most. */
const interval = 2

const parse = (snapshot: string): Look => {
  const [, next = "", open = ""] = snapshot.split(":")
  return { at: Date.now(), next: Number(next), open: new Set(open === "" ? [] : open.split(",").map(Number)) }
}

/**
 * From now on notes when each transaction's work could first be seen from outside; `stop` gives a way to ask for it, and `pid` is
 * the process of PostgreSQL's that is asked.
 */
export const watchCommits = async (url: string) => {
  const database = openDatabase(url)
  const [backend] = await database.query<{ pid: number }>("select pg_backend_pid() as pid")
  const looks: Array<Look> = []
  let stopped = false
  const watching = (async () => {
    while (!stopped) {
      const [row] = await database.query<{ snapshot: string }>("select pg_current_snapshot()::text as snapshot")
      looks.push(parse(row?.snapshot ?? ""))
      await sleep(interval)
    }
    await database.close()
  })()
  /** By a transaction's id: when it was first seen, in ms since 1970. */
  const seenAt = (transaction: number): number => {
    let [low, high] = [0, looks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((looks[middle]?.next ?? 0) > transaction) high = middle
      else low = middle + 1
    }
    while (looks[low]?.open.has(transaction)) low++
    return looks[low]?.at ?? Number.NaN
  }
  return {
    pid: backend?.pid ?? 0,
    stop: async () => {
      stopped = true
      await watching
      return seenAt
    }
  }
}
