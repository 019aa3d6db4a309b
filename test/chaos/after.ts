import { eventually } from "./eventually.ts"
import { readersOf, readGroup } from "./group.ts"
import { consumerName, type Site } from "./site.ts"
import type { Watch } from "./watch.ts"

/** In ms. */
const drainTimeout = 60_000
const lookTimeout = 15_000

/** Waits until everything in the stream is counted; what is not right in time becomes a problem. */
export const drain = async (site: Site, watch: Watch, accepted: number): Promise<void> => {
  const empty = async () => {
    const group = await readGroup(site.redis.url()).catch(() => undefined)
    return group?.pending === 0 && group.allGiven && watch.counted() >= accepted
  }
  if (await eventually(empty, drainTimeout)) return
  const group = await readGroup(site.redis.url()).catch((error: unknown) => String(error))
  site.problems.push(`the backlog was not empty after ${drainTimeout / 1000} s: ${JSON.stringify(group)}`)
}

/** Checks that every consumer of every process reads again, and not just enough of them. */
export const checkReaders = async (site: Site): Promise<void> => {
  let alive: ReadonlyArray<string> = []
  const names = () =>
    site.consumers.flatMap(({ program }, index) =>
      [1, 2].map((fiber) => `${consumerName(index + 1, program.life())}-${fiber}`)
    )
  const all = async () => {
    alive = await readersOf(site.redis.url()).catch(() => [])
    return names().every((name) => alive.includes(name))
  }
  if (await eventually(all, lookTimeout)) return
  const silent = names().filter((name) => !alive.includes(name))
  site.problems.push(`these consumers don't read any more: ${silent.join(", ")}`)
}

/** Checks that every API shows the final result. */
export const checkResults = async (site: Site, counted: number): Promise<void> => {
  for (const { program } of site.apis) {
    let seen = "nothing"
    const shows = async () => {
      const signal = AbortSignal.timeout(2_000)
      const answer = await fetch(`${program.url()}/api/results`, { signal }).catch(() => undefined)
      if (answer === undefined) return false
      seen = await answer.text()
      if (answer.status !== 200) return false
      const body: unknown = JSON.parse(seen)
      return (
        typeof body === "object" &&
        body !== null &&
        "total_votes" in body &&
        "pending" in body &&
        body.total_votes === counted &&
        body.pending === 0
      )
    }
    if (!(await eventually(shows, lookTimeout))) site.problems.push(`${program.name} shows other results: ${seen}`)
  }
}

/** Checks that the program itself finds the default poll's public log whole, with each vote that is counted. */
export const checkLog = async (site: Site): Promise<void> => {
  const { code, output } = await site.checkLog()
  const [, logged, counted] = /(\d+) votes count by them, (\d+) by the ledger/.exec(output) ?? []
  if (code !== 0 || logged === undefined || logged !== counted) site.problems.push(`the public log: ${output}`)
}
