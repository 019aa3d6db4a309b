import type { PollView } from "../../domain/Poll.ts"
import { byId, make, say } from "../dom.ts"
import { admin, status } from "../words.ts"
import { createForm } from "./createForm.ts"
import { field } from "./fields.ts"
import { pollPanel } from "./panel.ts"
import { checkToken, withToken } from "./session.ts"
import type { Tally } from "./tally.ts"

const root = byId("admin", HTMLElement)

/** Shows the polls, once the token is known to be good. */
const showPolls = (token: string): void => {
  const ask = withToken(token)
  const list = make("ul", { class: "polls" })
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
    const panel = pollPanel(ask, token, poll, (changed) => void load(changed))
    open(panel.element, panel)
  }

  const listPolls = (): void => {
    const items = polls.map((poll) => {
      const button = make(
        "button",
        { type: "button", class: "poll", "aria-current": String(poll.slug === current) },
        make("span", {}, poll.title),
        make("span", { class: "state", "data-status": poll.status }, status[poll.status])
      )
      button.addEventListener("click", () => select(poll))
      return make("li", {}, button)
    })
    list.replaceChildren(...items)
  }

  /** Reads the list again and opens the poll that was created or changed, unless another one was opened meanwhile. */
  const load = async (changed?: PollView): Promise<void> => {
    const before = opened
    const answer = await ask<{ readonly polls: ReadonlyArray<PollView> }>("/api/polls")
    say(said, answer.kind === "ok" ? "" : admin.away)
    if (answer.kind === "ok") polls = answer.body.polls
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
