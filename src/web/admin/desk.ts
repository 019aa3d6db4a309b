import type { PollView } from "../../domain/Poll.ts"
import { make } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { createForm } from "./createForm.ts"
import { pollPanel } from "./panel.ts"
import { pollList } from "./pollList.ts"
import type { AdminAsk } from "./session.ts"
import { listLink, newLink, pollLink, viewIn } from "./views.ts"

export interface Desk {
  readonly element: HTMLElement
  stop(): void
}

/** Makes the desk: the polls, and beside them the one that is chosen, or the form for a new one. */
export const makeDesk = (ask: AdminAsk, token: string, signOut: () => void): Desk => {
  const list = pollList(ask)
  const detail = make("div", { class: "detail" })
  const out = make("button", { type: "button", class: "plain" }, admin.signOut)
  out.addEventListener("click", signOut)
  const back = make("a", { class: "back", href: listLink }, admin.back)
  const columns = make("div", { class: "columns" }, list.element, make("div", { class: "stack" }, back, detail))
  let shown: { stop(): void } | undefined
  /** Which view is being opened: one that takes longer gives way to the next. */
  let opening = 0

  const put = (element: HTMLElement, stoppable?: { stop(): void }): void => {
    shown?.stop()
    shown = stoppable
    detail.replaceChildren(element)
    element.querySelector<HTMLElement>("h2")?.focus()
  }
  const go = (link: string): void => {
    list.refresh()
    if (location.hash === link) void open()
    else location.hash = link
  }
  const openPoll = async (slug: string): Promise<void> => {
    const mine = ++opening
    const answer = await ask<PollView>(`/api/polls/${slug}`, { fresh: true })
    if (mine !== opening) return
    if (answer.kind !== "ok") return put(make("p", { role: "alert" }, answer.kind === "away" ? admin.away : admin.none))
    const panel = pollPanel(ask, token, answer.body, () => go(pollLink(slug)))
    put(panel.element, panel)
  }
  const open = async (): Promise<void> => {
    const view = viewIn(location.hash)
    opening++
    columns.dataset.view = view.kind
    list.mark(view.kind === "poll" ? view.slug : undefined)
    if (view.kind === "poll") await openPoll(view.slug)
    else if (view.kind === "new") {
      const form = createForm(
        ask,
        ({ slug }) => go(pollLink(slug)),
        () => go(listLink)
      )
      put(form)
      form.querySelector("input")?.focus()
    } else put(make("p", { class: "hint" }, admin.choose))
  }
  const opened = (): void => void open()
  addEventListener("hashchange", opened)
  opened()
  return {
    element: make(
      "div",
      { class: "stack" },
      make("div", { class: "actions" }, make("a", { class: "button main", href: newLink }, admin.create), out),
      columns
    ),
    stop: () => {
      removeEventListener("hashchange", opened)
      list.stop()
      shown?.stop()
    }
  }
}
