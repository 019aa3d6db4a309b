import { make, say } from "../dom.ts"
import { patch } from "../drawn/patch.ts"
import { branch } from "../drawn/tree.ts"
import { isRecord } from "../http.ts"
import { admin } from "../words/deskWords.ts"
import { count, moment } from "../words/formats.ts"
import { life as words } from "../words/lifeWords.ts"
import type { AdminAsk } from "./session.ts"

/** What an organiser did with a poll: a row of the record. */
interface AdminEvent {
  readonly at: string
  readonly who: string
  readonly what: string
  readonly before: unknown
  readonly after: unknown
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {})

/** Returns the names of the fields that an edit has changed. */
const changed = (before: Fields, after: Fields): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])
  )

const tell = ({ after, at, before, what, who }: AdminEvent): string => {
  const act = words.acts[what] ?? what
  const names =
    what === "edit" ? changed(fieldsOf(before), fieldsOf(after)).map((name) => words.fields[name] ?? name) : []
  const { count: many } = fieldsOf(after)
  const told = what === "tokens" && typeof many === "number" ? [count(many)] : names
  return words.event(moment(Date.parse(at)), told.length === 0 ? act : `${act}: ${told.join(", ")}`, who)
}

export interface History {
  readonly element: HTMLElement
  /** Reads it again, if it is open. */
  refresh(): void
}

interface Page {
  readonly events: ReadonlyArray<AdminEvent>
  readonly next?: string
}

/** Makes the record of what was done with a poll, read when it is opened: the latest, and older ones when they are asked for. */
export const pollHistory = (ask: AdminAsk, slug: string): History => {
  const list = make("ol", { class: "history", tabindex: "-1" })
  const older = make("button", { type: "button", class: "plain", hidden: true }, words.older)
  const said = make("p", { role: "status" })
  const details = make("details", { class: "more" }, make("summary", {}, words.history), list, older, said)
  let pages = 1
  let loading = 0
  const load = async (): Promise<void> => {
    if (!details.open) return
    const mine = ++loading
    const events: Array<AdminEvent> = []
    let next: string | undefined
    for (let page = 0; page < pages && (page === 0 || next !== undefined); page++) {
      const cursor = next === undefined ? "" : `?cursor=${next}`
      const answer = await ask<Page>(`/api/polls/${slug}/events${cursor}`, { fresh: true })
      // Meanwhile, more may have been asked for.
      if (mine !== loading) return
      if (answer.kind !== "ok") return say(said, admin.missed)
      events.push(...answer.body.events)
      next = answer.body.next
    }
    say(said, "")
    patch(
      list,
      events.map((event) => branch("li", {}, tell(event)))
    )
    // Where it goes, the focus stays with what it has brought.
    if (next === undefined && document.activeElement === older) list.focus({ preventScroll: true })
    older.hidden = next === undefined
  }
  older.addEventListener("click", () => {
    pages++
    void load()
  })
  details.addEventListener("toggle", () => void load())
  return { element: details, refresh: () => void load() }
}
