import type { Results } from "../../domain/Tally.ts"
import { make } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { createForm } from "./createForm.ts"
import { editForm } from "./editForm.ts"
import { pollPanel } from "./panel.ts"
import { pollList } from "./pollList.ts"
import { repeat } from "./repeat.ts"
import type { AdminAsk } from "./session.ts"
import { readPoll, type Versioned, versionedOf } from "./versioned.ts"
import { listLink, newLink, pollLink, viewIn } from "./views.ts"

/** How often a poll that could not be read is asked for, in ms. */
const interval = 2_000

export interface Desk {
  readonly element: HTMLElement
  stop(): void
}

/** Makes the desk: the polls, and beside them the one that is chosen, or the form for a new one. */
export const makeDesk = (ask: AdminAsk, token: string, signOut: () => void): Desk => {
  const list = pollList(ask)
  const detail = make("div", { class: "detail" })
  const create = make("a", { class: "button main", href: newLink }, admin.create)
  const out = make("button", { type: "button", class: "plain" }, admin.signOut)
  out.addEventListener("click", signOut)
  const back = make("a", { class: "back", href: listLink }, admin.polls)
  const columns = make("div", { class: "columns" }, list.element, make("div", { class: "stack" }, back, detail))
  let shown: { stop(): void } | undefined
  /** Which view is being opened: one that takes longer gives way to the next. */
  let opening = 0

  const put = (element: HTMLElement, stoppable?: { stop(): void }): void => {
    shown?.stop()
    shown = stoppable
    detail.replaceChildren(element)
    const heading = element.querySelector<HTMLElement>("h2")
    if (heading !== null) heading.focus()
    // What had the focus is gone, as when a form is thrown away; not when the page has just been opened.
    else if (opening > 1 && document.activeElement === document.body) create.focus()
  }
  const go = (link: string): void => {
    list.refresh()
    if (location.hash === link) void open()
    else location.hash = link
  }
  /** Reads a poll, unless another view is opened meanwhile; says why it can't be had. */
  const read = async (slug: string): Promise<Versioned | undefined> => {
    const mine = opening
    const answer = await readPoll(ask, slug)
    if (mine !== opening) return undefined
    if (answer.kind === "ok") return versionedOf(answer)
    const isAway = answer.kind === "away"
    const said = make("p", { role: "alert" }, isAway ? admin.away : admin.none)
    put(said, isAway ? repeat(interval, () => openAgain(slug)) : undefined)
    return undefined
  }
  /** Opens a poll that could not be read, once it can be: whoever does something else meanwhile goes on with it. */
  const openAgain = async (slug: string): Promise<void> => {
    const mine = opening
    const answer = await readPoll(ask, slug)
    if (mine !== opening || answer.kind === "away") return
    const focused = document.activeElement
    await open()
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus()
  }
  const openPoll = async (slug: string): Promise<void> => {
    const versioned = await read(slug)
    if (versioned === undefined) return
    const panel = pollPanel(ask, token, versioned, go)
    put(panel.element, panel)
  }
  const openEdit = async (slug: string): Promise<void> => {
    const versioned = await read(slug)
    if (versioned === undefined) return
    const mine = opening
    const isDraft = versioned.poll.status === "draft"
    const votes = isDraft ? undefined : await ask<Results>(`/api/polls/${slug}/results`, { fresh: true })
    if (mine !== opening) return
    const hasVotes = votes?.kind === "ok" && votes.body.total_votes > 0
    put(editForm(ask, versioned, hasVotes, { done: () => go(pollLink(slug)), anew: () => void open() }))
  }
  const open = async (): Promise<void> => {
    const view = viewIn(location.hash)
    opening++
    columns.dataset.view = view.kind
    list.mark("slug" in view ? view.slug : undefined)
    if (view.kind === "poll") await openPoll(view.slug)
    else if (view.kind === "edit") await openEdit(view.slug)
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
    element: make("div", { class: "stack" }, make("div", { class: "actions" }, create, out), columns),
    stop: () => {
      removeEventListener("hashchange", opened)
      list.stop()
      shown?.stop()
    }
  }
}
