import type { Part } from "../../domain/ChoiceParts.ts"
import { byId, make, say } from "../dom.ts"
import { ballot as words } from "../words/ballotWords.ts"
import type { Control, ControlOptions } from "./control.ts"
import { onDrag } from "./drag.ts"

/** The keys that move an option, and by how many places. */
const steps: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }

/**
 * Puts a list in the place of the fields for ranks: ranked options from the best on, a line, and the others. A tap ranks an option
 * next or takes it out; its handle is dragged, or moved by arrow keys, also over the line.
 */
export const makeRanking = ({ changed, labels, options, rules }: ControlOptions<"ranked">): Control => {
  const { max } = rules
  const line = make("li", { class: "unranked" }, words.unranked)
  const list = make("ol", { class: "ranking" })
  const rows = options.map(({ id }) => {
    const badge = make("span", { class: "badge", "aria-hidden": "true" })
    const says = make("span", { class: "unseen" })
    const name = document.createTextNode("")
    const tap = make("button", { type: "button", class: "rank" }, badge, make("span", {}, name, says))
    const handle = make("button", { type: "button", class: "handle" }, "⠿")
    labels.say(id, (label) => {
      name.data = label
      handle.setAttribute("aria-label", words.move(label))
    })
    return { id, badge, says, tap, handle, item: make("li", { class: "choice" }, tap, handle) }
  })
  type Row = (typeof rows)[number]
  const byItem = new Map<Element, Row>(rows.map((row) => [row.item, row]))
  /** The ranked options, the best first. */
  let ranked: ReadonlyArray<Row> = []

  /** Puts the list in order around an item, which stays in the document: else it would lose the focus, and the pointer. */
  const arrange = (kept?: Element): void => {
    const rest = rows.filter((row) => !ranked.includes(row)).map(({ item }) => item)
    const items: ReadonlyArray<Element> = [...ranked.map(({ item }) => item), line, ...rest]
    const at = kept === undefined ? -1 : items.indexOf(kept)
    if (at < 0) list.append(...items)
    else {
      for (const item of items.slice(0, at)) list.insertBefore(item, kept ?? null)
      list.append(...items.slice(at + 1))
    }
    line.hidden = rest.length === 0
    for (const row of rows) {
      const rank = ranked.indexOf(row) + 1
      row.item.classList.toggle("mine", rank > 0)
      row.tap.setAttribute("aria-pressed", String(rank > 0))
      say(row.says, rank > 0 ? words.ranked(rank) : words.notRanked)
      say(row.badge, rank > 0 ? String(rank) : "")
    }
  }

  /** Says where an option is now. */
  const tell = (row: Row): string => {
    const rank = ranked.indexOf(row) + 1
    return rank > 0 ? words.saysRank(labels.of(row.id), rank) : words.saysOut(labels.of(row.id))
  }

  /** Moves an option to a place, where the ranked ones are followed by the line; returns whether that is another one. */
  const move = (row: Row, place: number): boolean => {
    const others = ranked.filter((other) => other !== row)
    const wanted = place <= others.length ? [...others.slice(0, place), row, ...others.slice(place)] : others
    if (wanted.length > max || wanted.map(({ id }) => id).join() === ranked.map(({ id }) => id).join()) return false
    ranked = wanted
    arrange(row.item)
    return true
  }

  for (const row of rows) {
    row.tap.addEventListener("click", () => {
      const others = ranked.filter((other) => other !== row)
      if (others.length === ranked.length && ranked.length === max) return changed(words.full(max))
      move(row, others.length === ranked.length ? ranked.length : others.length + 1)
      changed(tell(row))
    })
    row.handle.addEventListener("keydown", (event) => {
      const by = steps[event.key]
      if (by === undefined) return
      event.preventDefault()
      const from = ranked.includes(row) ? ranked.indexOf(row) : ranked.length + (by < 0 ? 1 : 0)
      if (!ranked.includes(row) && by > 0) return
      if (from + by < 0) return
      if (!ranked.includes(row) && ranked.length === max) return changed(words.full(max))
      if (move(row, from + by)) changed(tell(row))
    })
    onDrag(row.item, row.handle, {
      over: (item, before) => {
        const other = byItem.get(item)
        if (item === line) return move(row, before ? ranked.filter((one) => one !== row).length : ranked.length + 1)
        if (other === undefined) return false
        const others = ranked.filter((one) => one !== row)
        const at = others.indexOf(other)
        return move(row, at < 0 ? others.length + 1 : at + (before ? 0 : 1))
      },
      dropped: () => changed(tell(row))
    })
  }
  arrange()
  byId("choices", HTMLElement)
    .querySelector(".choices")
    ?.replaceWith(make("p", { class: "soft" }, words.rankHint), list)
  return {
    read: () => ranked.map(({ id }, index): Part => ({ option: id, value: index + 1 })),
    show: (parts) => {
      ranked = parts.flatMap(({ option }) => rows.filter(({ id }) => id === option))
      // What another tab has sent may come while the reader's focus is here.
      arrange(rows.find(({ item }) => item.contains(document.activeElement))?.item)
    }
  }
}
