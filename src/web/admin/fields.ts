import { withIds } from "../../domain/OptionIds.ts"
import { make } from "../dom.ts"
import { form as words } from "../words.ts"

let fields = 0

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** Makes a label around a control, with a hint that is read out with it. */
export const field = <C extends Control>(label: string, control: C, hint?: string): HTMLElement => {
  control.id = `field-${++fields}`
  const text = make("label", { for: control.id }, label)
  if (hint === undefined) return make("div", { class: "field" }, text, control)
  control.setAttribute("aria-describedby", `${control.id}-hint`)
  return make("div", { class: "field" }, text, make("p", { class: "hint", id: `${control.id}-hint` }, hint), control)
}

/** Makes a choice between a few values, all in view. */
export const choice = (
  legend: string,
  name: string,
  choices: Readonly<Record<string, string>>,
  onChange: () => void
): HTMLFieldSetElement => {
  const set = make("fieldset", {}, make("legend", {}, legend))
  Object.entries(choices).forEach(([value, label], index) => {
    const radio = make("input", { type: "radio", name, value, checked: index === 0 })
    radio.addEventListener("change", onChange)
    set.append(make("label", { class: "radio" }, radio, label))
  })
  return set
}

/** Makes an option of each line, with an id of its own. */
export const toOptions = (lines: string): ReturnType<typeof withIds> => {
  const labels = lines.split("\n").map((line) => line.trim())
  return withIds(labels.filter((label) => label !== "").map((label) => ({ label })))
}

export const optional = (label: string): string => `${label} (${words.optional})`
