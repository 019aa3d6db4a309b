import type { Part } from "../../domain/ChoiceParts.ts"
import { byId, make } from "../dom.ts"
import { ballot as words } from "../words/ballotWords.ts"
import type { Control, ControlOptions } from "./control.ts"

/** What holds a number for an option, as text; empty where there is none. */
interface NumberField {
  readonly option: string
  read(): string
  show(value: string): void
}

const makeNumbers = (fields: ReadonlyArray<NumberField>): Control => ({
  read: () =>
    fields.flatMap((field): ReadonlyArray<Part> => {
      const text = field.read()
      return text === "" ? [] : [{ option: field.option, value: Number(text) }]
    }),
  show: (parts) => {
    const values = new Map(parts.map(({ option, value }) => [option, String(value)]))
    for (const field of fields) field.show(values.get(field.option) ?? "")
  }
})

/** Returns what a field holds, also where that is no number: then its text would be empty, as if it were not filled in. */
const textOf = (field: HTMLInputElement): string => (field.validity.badInput ? "NaN" : field.value)

/** Makes more of the fields of a poll with points: buttons for one more and one less. */
export const makePoints = ({ changed, labels, options, rules }: ControlOptions<"points">): Control =>
  makeNumbers(
    options.map(({ id }) => {
      const field = byId(`points-${id}`, HTMLInputElement)
      const step = (by: number, text: string, says: (label: string) => string): HTMLButtonElement => {
        const button = make("button", { type: "button", class: "step" }, text)
        labels.say(id, (label) => button.setAttribute("aria-label", says(label)))
        button.addEventListener("click", () => {
          const value = Math.min(rules.budget, Math.max(0, Number(field.value) + by))
          field.value = value === 0 ? "" : String(value)
          changed(words.saysPoints(labels.of(id), value))
        })
        return button
      }
      field.before(step(-1, "−", words.less))
      field.after(step(1, "+", words.more))
      return {
        option: id,
        // No points are the same as none given.
        read: () => (textOf(field) === "0" ? "" : textOf(field)),
        show: (value) => {
          field.value = value
        }
      }
    })
  )

const makeScoreButtons = (name: string, option: string): NumberField => {
  const buttons = [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)]
  return {
    option,
    read: () => buttons.find(({ checked }) => checked)?.value ?? "",
    show: (value) => {
      for (const button of buttons) button.checked = button.value === value
    }
  }
}

/** Makes the fields of a poll with scores: buttons, or a slider beside each number where there are many scores. */
export const makeScores = ({ labels, options, rules }: ControlOptions<"score">): Control =>
  makeNumbers(
    options.map(({ id }) => {
      const name = `score-${id}`
      const field = document.getElementById(name)
      if (!(field instanceof HTMLInputElement)) return makeScoreButtons(name, id)
      const [min, max] = [String(rules.min), String(rules.max)]
      const slider = make("input", { type: "range", min, max })
      labels.say(id, (label) => slider.setAttribute("aria-label", words.slider(label)))
      const follow = (): void => {
        // Without a score it stands in the middle, and looks as if it were not there.
        slider.classList.toggle("unset", field.value === "")
        slider.value = field.value === "" ? String((rules.min + rules.max) / 2) : field.value
        // Else that place would be read out as a score.
        if (field.value === "") slider.setAttribute("aria-valuetext", words.unsaid)
        else slider.removeAttribute("aria-valuetext")
      }
      // Before the form hears of it, which reads the number.
      slider.addEventListener("input", () => {
        field.value = slider.value
        follow()
      })
      field.addEventListener("input", follow)
      field.after(slider)
      follow()
      return {
        option: id,
        read: () => textOf(field),
        show: (value) => {
          field.value = value
          follow()
        }
      }
    })
  )
