import { setTimeout as sleep } from "node:timers/promises"
import { eventually } from "./eventually.ts"
import type { Random } from "./random.ts"
import { adminToken, type Site } from "./site.ts"
import { post } from "./voters.ts"

/** A poll that is closed by hand while votes come in. */
interface Poll {
  readonly slug: string
  /** Whether the closing was asked for: before that, no vote may be refused. */
  asked: boolean
  /** The vote_ids of the votes that got their 201. */
  readonly accepted: Array<string>
}

/** What became of polls that were closed by hand so far. */
export interface Closings {
  readonly polls: ReadonlyArray<Poll>
  readonly wrong: ReadonlyArray<string>
  /** Closes the last one; resolves once it is closed and its votes are answered. */
  stop(): Promise<void>
}

/** How many votes a second the poll gets that is open. */
const rate = 40
/** In ms. */
const shortest = 1_000
const longest = 4_000
/** For how long votes still come once a poll is closed. */
const after = 500

/** Opens polls one after the other, and closes each by hand while votes come in at all APIs, some of which may not hear of that in time. */
export const startClosings = (apis: ReadonlyArray<() => string>, random: Random): Closings => {
  const polls: Array<Poll> = []
  const wrong: Array<string> = []
  let tries = 0
  const ending = new AbortController()

  /** Sends a request until it has one of these answers, each time to the next API; returns that answer. */
  const persist = async (path: string, body: unknown, wanted: ReadonlyArray<number>, key?: string) => {
    for (let pause = 50; ; pause = Math.min(2 * pause, 400)) {
      const url = `${apis[tries++ % apis.length]?.()}/api/polls${path}`
      const answer = await post(url, adminToken, body, key).catch(() => undefined)
      if (answer !== undefined && wanted.includes(answer.status)) return answer
      if (answer !== undefined && answer.status < 500) wrong.push(`${answer.status} for ${path}: ${answer.text}`)
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  const vote = async (poll: Poll, key: string): Promise<void> => {
    // An API may not have heard of the poll yet.
    const { status, text } = await persist(`/${poll.slug}/votes`, { option: "tea" }, [201, 409], key)
    if (status === 201) poll.accepted.push(JSON.parse(text).vote_id)
    else if (!poll.asked) wrong.push(`${poll.slug} was closed before that was asked for: ${text}`)
  }

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const poll: Poll = { slug: `closed-${polls.length + 1}`, asked: false, accepted: [] }
      polls.push(poll)
      const options = ["tea", "coffee"].map((id) => ({ id, label: id }))
      const rules = { kind: "single", ballot: "open", identity: "anyone", results: "live" }
      // It is there already where the answer got lost.
      await persist("", { slug: poll.slug, title: poll.slug, options, ...rules }, [201, 409])
      const votes: Array<Promise<void>> = []
      const timer = setInterval(() => votes.push(vote(poll, `${poll.slug}-${votes.length}`)), 1_000 / rate)
      await sleep(shortest + random() * (longest - shortest), undefined, { signal: ending.signal }).catch(
        () => undefined
      )
      poll.asked = true
      await persist(`/${poll.slug}/close`, {}, [200])
      await sleep(after)
      clearInterval(timer)
      await Promise.all(votes)
    }
  }
  const running = run()
  return {
    polls,
    wrong,
    stop: () => {
      ending.abort()
      return running
    }
  }
}

const finalTimeout = 20_000

/** Checks that what got a 201 in polls that were closed by hand is counted, and nothing else; returns a line for each vote of which it is not so. */
export const judgeClosings = async (site: Site, { polls, wrong }: Closings): Promise<ReadonlyArray<string>> => {
  const problems = [...wrong]
  const open = () =>
    site.query<{ slug: string }>("select slug from poll where slug ~ '^closed-' and final_at is null order by slug")
  if (!(await eventually(async () => (await open()).length === 0, finalTimeout)))
    problems.push(`not final: ${(await open()).map(({ slug }) => slug).join(", ")}`)
  const rows = await site.query<{ vote_id: string; status: string; poll: string }>(
    "select vote_id::text, status, poll from vote_event where poll ~ '^closed-'"
  )
  const statuses = new Map(rows.map(({ status, vote_id }) => [vote_id, status]))
  for (const { accepted, slug } of polls) {
    for (const id of accepted) {
      const status = statuses.get(id)
      if (status !== "counted") problems.push(`${id} in ${slug} got a 201, and is ${status}`)
      statuses.delete(id)
    }
  }
  for (const [id, status] of statuses) if (status === "counted") problems.push(`${id}: nobody was answered with it`)
  return problems
}
