import type { PollView } from "../../domain/Poll.ts"
import { byId, make, say } from "../dom.ts"
import type { Answer } from "../http.ts"
import { admin } from "../words/deskWords.ts"
import { createForm } from "./createForm.ts"
import { field } from "./fields.ts"
import { pollPanel, showStatus, statusOf } from "./panel.ts"
import { type AdminAsk, checkToken, withToken } from "./session.ts"
import type { Tally } from "./tally.ts"

interface Page {
  readonly polls: ReadonlyArray<PollView>
  readonly next?: string
}

const root = byId("admin", HTMLElement)

/** Reads all pages of the list; returns undefined where one of them can't be had. */
const readPolls = async (ask: AdminAsk): Promise<ReadonlyArray<PollView> | undefined> => {
  const polls: Array<PollView> = []
  for (let path: string | undefined = "/api/polls?limit=1000"; path !== undefined; ) {
    const answer: Answer<Page> = await ask<Page>(path, { fresh: true })
    if (answer.kind !== "ok") return undefined
    polls.push(...answer.body.polls)
    const { next }: Page = answer.body
    path = next === undefined ? undefined : `/api/polls?limit=1000&cursor=${next}`
  }
  return polls
}

/** Shows the polls, once the token is known to be good. */
const showPolls = (token: string): void => {
  const ask = withToken(token)
  const list = make("ul", { class: "polls" })
  /** Where the list says what a poll's status is. */
  const states = new Map<string, HTMLElement>()
  const detail = make("div", { class: "detail" }, make("p", { class: "hint" }, admin.choose))
  const said = make("p", { role: "status" })
  const create = make("button", { type: "button" }, admin.create)
  let shown: Tally | undefined
  let polls: ReadonlyArray<PollView> = []
  let current = ""
  let opened = 0

  const open = (element: HTMLElement, tally?: Tally): void => {
    opened++
    shown?.stop()
    shown = tally
    detail.replaceChildren(element)
    element.querySelector<HTMLElement>("h2, input")?.focus()
  }

  const select = (poll: PollView): void => {
    current = poll.slug
    listPolls()
    const told = (now: PollView["status"]): void => {
      const state = states.get(poll.slug)
      if (state !== undefined) showStatus(state, now)
    }
    const panel = pollPanel(ask, token, poll, { changed: (changed) => void load(changed), told })
    open(panel.element, panel)
  }

  const listPolls = (): void => {
    const items = polls.map((poll) => {
      const state = statusOf(poll)
      states.set(poll.slug, state)
      const button = make(
        "button",
        { type: "button", class: "poll", "aria-current": String(poll.slug === current) },
        make("span", {}, poll.title),
        state
      )
      button.addEventListener("click", () => select(poll))
      return make("li", {}, button)
    })
    list.replaceChildren(...items)
  }

  /** Reads the list again and opens the poll that was created or changed, unless another one was opened meanwhile. */
  const load = async (changed?: PollView): Promise<void> => {
    const before = opened
    const read = await readPolls(ask)
    say(said, read === undefined ? admin.away : "")
    if (read !== undefined) polls = read
    listPolls()
    const wanted = changed ?? polls[0]
    if (wanted !== undefined && opened === before) select(wanted)
  }

  create.addEventListener("click", () => {
    current = ""
    listPolls()
    const cancel = (): void => void load()
    open(createForm(ask, (poll) => void load(poll), cancel))
  })
  root.querySelector("form")?.remove()
  root.append(
    make(
      "div",
      { class: "columns" },
      make("nav", { class: "stack", "aria-label": admin.polls }, list, create, said),
      detail
    )
  )
  void load()
}

const token = make("input", { type: "password", required: true, autocomplete: "off" })
const error = make("p", { class: "trouble", role: "alert" })
const signIn = make(
  "form",
  { class: "card stack sign-in" },
  field(admin.token, token, admin.tokenHint),
  error,
  make("div", { class: "actions" }, make("button", { type: "submit" }, admin.signIn))
)
signIn.addEventListener("submit", async (event) => {
  event.preventDefault()
  const problem = await checkToken(token.value)
  say(error, problem ?? "")
  if (problem === undefined) showPolls(token.value)
})
root.append(signIn)
token.focus()
