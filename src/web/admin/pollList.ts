import type { PollView } from "../../domain/PollView.ts"
import { make, say } from "../dom.ts"
import { patch } from "../drawn/patch.ts"
import { type Branch, branch } from "../drawn/tree.ts"
import { statusNameAt } from "../poll/schedule.ts"
import { admin, deskTimes } from "../words/deskWords.ts"
import { life as lifeWords } from "../words/lifeWords.ts"
import { repeat } from "./repeat.ts"
import type { AdminAsk } from "./session.ts"
import { pollLink } from "./views.ts"

interface Page {
  readonly polls: ReadonlyArray<PollView>
  readonly next?: string
}

/** How many polls the list shows at a time, and how often it is read again, in ms. */
const limit = 25
const interval = 2_000
/** How long nobody types before a search, in ms. */
const pause = 200

export interface PollList {
  readonly element: HTMLElement
  /** Says which poll is shown beside it. */
  mark(slug: string | undefined): void
  /** Reads it again now. */
  refresh(): void
  stop(): void
}

const draw = (polls: ReadonlyArray<PollView>, current: string | undefined, now: number): ReadonlyArray<Branch> =>
  polls.map((poll) =>
    branch(
      "li",
      {},
      branch(
        "a",
        { class: "poll", href: pollLink(poll.slug), "aria-current": poll.slug === current ? "page" : undefined },
        branch("span", { class: "name" }, poll.title),
        branch("span", { class: "state", "data-status": poll.status }, statusNameAt(poll, poll.status, now)),
        branch("span", { class: "when" }, deskTimes(poll, now))
      )
    )
  )

/** Makes the list of polls, the newest first, with a search. It is read again and again, so what it says is true. */
export const pollList = (ask: AdminAsk): PollList => {
  const search = make("input", { type: "search", "aria-label": admin.search, placeholder: admin.search })
  const filter = make(
    "select",
    { "aria-label": lifeWords.statuses },
    ...["", "draft", "upcoming", "open", "counting", "final", "archived"].map((value) =>
      make("option", { value }, lifeWords.filters[value] ?? value)
    )
  )
  const list = make("ul", { class: "polls" })
  const said = make("p", { class: "hint", role: "status" })
  const newer = make("button", { type: "button", class: "plain" }, admin.newer)
  const older = make("button", { type: "button", class: "plain" }, admin.older)
  const pageNumber = make("span", { class: "hint" })
  const pages = make("div", { class: "pages", hidden: true }, newer, pageNumber, older)
  /** Where each page begins up to the one that is shown; the first has no cursor. */
  let cursors: ReadonlyArray<string | undefined> = [undefined]
  let next: string | undefined
  let polls: ReadonlyArray<PollView> = []
  let current: string | undefined

  const pathNow = (): string => {
    const query = new URLSearchParams({ limit: String(limit) })
    const cursor = cursors[cursors.length - 1]
    if (cursor !== undefined) query.set("cursor", cursor)
    if (search.value.trim() !== "") query.set("q", search.value.trim())
    if (filter.value !== "") query.set("status", filter.value)
    return `/api/polls?${query}`
  }
  const show = (): void => {
    patch(list, draw(polls, current, ask.now()))
    pages.hidden = cursors.length === 1 && next === undefined
    newer.disabled = cursors.length === 1
    older.disabled = next === undefined
    say(pageNumber, admin.pageNumber(cursors.length))
  }
  const load = async (): Promise<void> => {
    const path = pathNow()
    const answer = await ask<Page>(path, { fresh: true })
    // Meanwhile, something else may have been asked for.
    if (path !== pathNow()) return looking.now()
    if (answer.kind === "ok") {
      polls = answer.body.polls
      next = answer.body.next
      show()
    } else if (answer.kind === "problem" && cursors.length > 1) return turn([undefined])
    say(said, answer.kind !== "ok" ? admin.away : polls.length === 0 ? admin.none : "")
  }
  const looking = repeat(interval, load)
  const turn = (to: ReadonlyArray<string | undefined>): void => {
    cursors = to
    looking.now()
  }

  newer.addEventListener("click", () => turn(cursors.slice(0, -1)))
  older.addEventListener("click", () => turn([...cursors, next]))
  filter.addEventListener("change", () => turn([undefined]))
  let timer: ReturnType<typeof setTimeout> | undefined
  search.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(() => turn([undefined]), pause)
  })
  return {
    element: make("nav", { class: "stack list", "aria-label": admin.polls }, search, filter, list, said, pages),
    mark: (slug) => {
      current = slug
      show()
    },
    refresh: looking.now,
    stop: looking.stop
  }
}
