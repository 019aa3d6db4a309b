import { farthestScore, kinds, mostPoints, mostRanks } from "../../domain/Rules.ts"
import { make } from "../dom.ts"
import { form as words } from "../words/formWords.ts"
import { choice, field, optional, tick } from "./fields.ts"

const number = (name: string, least: number, most: number, value = ""): HTMLInputElement =>
  make("input", { type: "number", name, min: String(least), max: String(most), step: "1", value })

const pair = (...fields: ReadonlyArray<HTMLElement>): HTMLElement => make("div", { class: "pair" }, ...fields)

/** The fields of each kind, under the names of the API's. Two kinds' fields of one name differ in what they ask. */
const fieldsOf = (onChange: () => void): Readonly<Record<(typeof kinds)[number], HTMLElement>> => ({
  single: make("div"),
  multiple: make(
    "div",
    {},
    pair(field(words.least, number("min", 1, 50, "1")), field(optional(words.most), number("max", 1, 50), words.all))
  ),
  score: make(
    "div",
    { class: "stack" },
    pair(
      field(words.lowest, number("min", -farthestScore, farthestScore, "0")),
      field(words.highest, number("max", -farthestScore, farthestScore, "5"))
    ),
    tick(words.every, "every")
  ),
  points: make(
    "div",
    { class: "stack" },
    field(words.budget, number("budget", 1, mostPoints, "10")),
    tick(words.spendAll, "spend_all")
  ),
  ranked: make(
    "div",
    { class: "stack" },
    choice(words.method, "method", words.methods, onChange),
    pair(
      field(words.seats, number("seats", 1, 49, "2")),
      field(optional(words.ranks), number("max", 1, mostRanks), words.all)
    ),
    choice(words.tieBreak, "tie_break", words.tieBreaks, onChange)
  )
})

export interface KindFields {
  readonly elements: ReadonlyArray<HTMLElement>
  /** Returns what is filled in of the fields that apply. */
  read(): Readonly<Record<string, unknown>>
}

/** Makes the fields that say what a vote says. Only those that apply can be seen, are checked by the browser, and are read. */
export const makeKindFields = (): KindFields => {
  const update = (): void => {
    const chosen = all.querySelector<HTMLInputElement>('input[name="kind"]:checked')?.value
    for (const kind of kinds) {
      const set = sets[kind]
      set.hidden = kind !== chosen
      set.disabled = set.hidden
    }
    const seats = ranked.querySelector<HTMLInputElement>('input[name="seats"]')
    const stv = ranked.querySelector<HTMLInputElement>('input[value="stv"]')?.checked === true
    if (seats === null) return
    seats.disabled = !stv
    seats.closest<HTMLElement>(".field")?.toggleAttribute("hidden", !stv)
  }
  const made = fieldsOf(() => update())
  const { ranked } = made
  const setOf = (kind: (typeof kinds)[number]): HTMLFieldSetElement => make("fieldset", { class: "part" }, made[kind])
  const sets = {
    single: setOf("single"),
    multiple: setOf("multiple"),
    score: setOf("score"),
    points: setOf("points"),
    ranked: setOf("ranked")
  }
  const all = make(
    "div",
    { class: "stack" },
    choice(words.kind, "kind", words.kinds, () => update())
  )
  for (const kind of kinds) all.append(sets[kind])
  all.append(tick(words.abstain, "abstain"))
  update()
  return {
    elements: [all],
    read: () => {
      const body: Record<string, unknown> = {}
      for (const input of all.querySelectorAll<HTMLInputElement>("input:enabled")) {
        if (input.type === "number" && input.value !== "") body[input.name] = Number(input.value)
        else if (input.type === "checkbox" && input.checked) body[input.name] = true
        else if (input.type === "radio" && input.checked) body[input.name] = input.value
      }
      return body
    }
  }
}
