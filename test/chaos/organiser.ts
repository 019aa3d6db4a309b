import { setTimeout as sleep } from "node:timers/promises"
import { eventually } from "./eventually.ts"
import type { Random } from "./random.ts"
import { type Asked, send } from "./send.ts"
import { adminToken, type Site } from "./site.ts"

/** What the organiser does with a poll before it is closed for good. */
const lives = ["closed", "reopened", "edited"] as const

/** A poll that is changed and closed by hand while votes come in. */
interface Poll {
  readonly slug: string
  /** Whether something was asked for that has votes refused: before that, none may be. */
  asked: boolean
  /** The vote_ids of the votes that got their 201. */
  readonly accepted: Array<string>
  /** Votes that were refused once a try before had failed: that one may be appended later, as by a process that stood still. */
  unsure: number
}

/** What became of the organiser's polls so far. */
export interface Organiser {
  readonly polls: ReadonlyArray<Poll>
  readonly wrong: ReadonlyArray<string>
  /** How often each thing was done, in the words of the report. */
  readonly acts: ReadonlyMap<string, number>
  /** Closes the last polls; resolves once they are closed and their votes are answered. */
  stop(): Promise<unknown>
}

/** How many polls there are at a time. */
const atOnce = 4
/** How many votes a second each gets that is open. */
const rate = 15
/** How long votes come before the next act, in ms. */
const shortest = 1_000
const longest = 4_000
/** How long after an edit of what decides over votes the first one comes at most, in ms: before the poll is shut for it, or later. */
const latestFirst = 2_500
/** How long an act may take, in ms: some wait for votes to be counted. */
const actTimeout = 10_000
/** For how long votes still come once a poll is closed. */
const after = 500

/**
 * Opens polls, some at a time, and changes and closes each by hand while votes come in at all APIs, some of which may not hear of that in
 * time.
 */
export const startOrganiser = (apis: ReadonlyArray<() => string>, random: Random): Organiser => {
  const polls: Array<Poll> = []
  const wrong: Array<string> = []
  const acts = new Map<string, number>()
  let tries = 0
  const ending = new AbortController()

  const pause = (least: number, most: number) =>
    sleep(least + random() * (most - least), undefined, { signal: ending.signal }).catch(() => undefined)

  /** Sends a request until it has one of these answers, each time to the next API; returns that answer, and whether it was the first. */
  const persist = async (asked: Asked, wanted: ReadonlyArray<number>) => {
    for (let [pause, first] = [50, true]; ; [pause, first] = [Math.min(2 * pause, 400), false]) {
      const api = apis[tries++ % apis.length]?.() ?? ""
      const answer = await send(api, adminToken, asked).catch(() => undefined)
      if (answer !== undefined && wanted.includes(answer.status)) return { ...answer, first }
      if (answer !== undefined && answer.status < 500)
        wrong.push(`${answer.status} for ${asked.method ?? "POST"} ${asked.path}: ${answer.text}`)
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  const vote = async (poll: Poll, key: string): Promise<void> => {
    const body = { option: Math.random() < 0.5 ? "tea" : "coffee" }
    // An API may not have heard of the poll yet, nor of its options.
    const path = `/api/polls/${poll.slug}/votes`
    const { first, status, text } = await persist({ path, body, key }, [201, 409, 422])
    if (status === 201) poll.accepted.push(JSON.parse(text).vote_id)
    else if (!first) poll.unsure++
    if (status !== 201 && !poll.asked) wrong.push(`${poll.slug} refused a vote before anything was asked for: ${text}`)
  }

  /** Does something that may be done already, where an answer got lost; or that has become impossible. */
  const act = async (name: string, asked: Asked, done: number, impossible?: number): Promise<void> => {
    const { status } = await persist(
      { timeout: actTimeout, ...asked },
      impossible === undefined ? [done] : [done, impossible]
    )
    if (status === done) acts.set(name, (acts.get(name) ?? 0) + 1)
  }
  const close = (slug: string) => act("closed", { path: `/api/polls/${slug}/close`, body: {} }, 200)

  const live = async (poll: Poll, life: (typeof lives)[number]): Promise<void> => {
    const { slug } = poll
    const rules = { kind: "single", ballot: "open", identity: "anyone", results: "live" }
    await act(
      "made",
      { path: "/api/polls", body: { slug, title: slug, options: optionsOf("tea", "coffee"), ...rules } },
      201,
      409
    )
    const votes: Array<Promise<void>> = []
    let timer: NodeJS.Timeout | undefined
    const begin = () => {
      timer = setInterval(() => votes.push(vote(poll, `${slug}-${votes.length}`)), 1_000 / rate)
    }
    if (life === "edited") {
      poll.asked = true
      const body = { options: optionsOf("coffee", "cocoa") }
      const edited = act("edited", { method: "PATCH", path: `/api/polls/${slug}`, body }, 200, 409)
      await pause(0, latestFirst)
      begin()
      await edited
    } else begin()
    await pause(shortest, longest)
    poll.asked = true
    if (life === "reopened") {
      await close(slug)
      await pause(0, after)
      await act("reopened", { path: `/api/polls/${slug}/reopen`, body: {} }, 200, 409)
      await pause(shortest, longest)
    }
    await close(slug)
    await sleep(after)
    clearInterval(timer)
    await Promise.all(votes)
  }

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const poll: Poll = { slug: `organised-${polls.length + 1}`, asked: false, accepted: [], unsure: 0 }
      polls.push(poll)
      await live(poll, lives[Math.floor(random() * lives.length)] ?? "closed")
    }
  }
  const running = Promise.all(Array.from({ length: atOnce }, run))
  return {
    polls,
    wrong,
    acts,
    stop: () => {
      ending.abort()
      return running
    }
  }
}

const optionsOf = (...ids: ReadonlyArray<string>) => ids.map((id) => ({ id, label: id }))

const finalTimeout = 20_000

/** Checks that what got a 201 in the organiser's polls is counted, and nothing else; returns a line for each of which it is not so. */
export const judgeOrganiser = async (site: Site, { polls, wrong }: Organiser): Promise<ReadonlyArray<string>> => {
  const problems = [...wrong]
  const open = () =>
    site.query<{ slug: string }>("select slug from poll where slug ~ '^organised-' and final_at is null order by slug")
  if (!(await eventually(async () => (await open()).length === 0, finalTimeout)))
    problems.push(`not final: ${(await open()).map(({ slug }) => slug).join(", ")}`)
  const rows = await site.query<{ vote_id: string; status: string; poll: string }>(
    "select vote_id::text, status, poll from vote_event where poll ~ '^organised-'"
  )
  for (const { accepted, slug, unsure } of polls) {
    const statuses = new Map(rows.flatMap((row) => (row.poll === slug ? [[row.vote_id, row.status]] : [])))
    for (const id of accepted) {
      const status = statuses.get(id)
      if (status !== "counted") problems.push(`${id} in ${slug} got a 201, and is ${status}`)
      statuses.delete(id)
    }
    const others = [...statuses].flatMap(([id, status]) => (status === "counted" ? [id] : []))
    if (others.length > unsure) problems.push(`${others.join(", ")} in ${slug}: nobody was answered with them`)
  }
  return problems
}
