import type { FieldError } from "../../domain/FieldError.ts"
import { make, say } from "../dom.ts"
import { form as words } from "../words/formWords.ts"

let fields = 0

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** Makes a label beside a control, with a hint that is read out with it. Its name is that of the request's field, if it has one. */
export const field = <C extends Control>(label: string, control: C, hint?: string): HTMLElement => {
  control.id = `field-${++fields}`
  const text = make("label", { for: control.id }, label)
  if (hint === undefined) return make("div", { class: "field" }, text, control)
  control.setAttribute("aria-describedby", `${control.id}-hint`)
  return make("div", { class: "field" }, text, make("p", { class: "hint", id: `${control.id}-hint` }, hint), control)
}

/** Makes a box to be ticked. */
export const tick = (label: string, name: string): HTMLElement => {
  const box = make("input", { type: "checkbox", name })
  return make("div", { class: "field" }, make("label", { class: "radio" }, box, label))
}

/** Shows what is wrong with a field of a form beside it; returns whether there is such a field in view. */
const showError = (form: HTMLFormElement, { detail, pointer }: FieldError): boolean => {
  const [, name = "", index] = pointer.split("/")
  // Kinds have fields of one name: only those of the chosen one are enabled.
  const control = form.querySelector<HTMLElement>(`[name="${name}"]:enabled`)
  const around = control?.closest<HTMLElement>(".field, fieldset")
  if (control === null || around === null || around === undefined || around.closest("[hidden]") !== null) return false
  const text = words.error(detail, index === undefined ? undefined : Number(index) + 1)
  const id = `error-${name}`
  const said = around.querySelector(`#${id}`) ?? make("p", { class: "field-error", role: "alert", id })
  around.append(said)
  say(said, `${said.textContent ?? ""} ${text}`.trim())
  control.setAttribute("aria-invalid", "true")
  const described = control.getAttribute("aria-describedby")?.split(" ") ?? []
  if (!described.includes(id)) control.setAttribute("aria-describedby", [...described, id].join(" "))
  return true
}

/** Shows what is wrong, each beside its field, and takes the reader to the first of them; returns whether all could be shown. */
export const showErrors = (form: HTMLFormElement, errors: ReadonlyArray<FieldError>): boolean => {
  const shown = errors.filter((error) => showError(form, error))
  form.querySelector<HTMLElement>("[aria-invalid]")?.focus()
  return shown.length > 0 && shown.length === errors.length
}

/** Takes away what was said of a form's fields. */
export const clearErrors = (form: HTMLFormElement): void => {
  for (const said of form.querySelectorAll(".field-error")) said.remove()
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid")
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

export const optional = (label: string): string => `${label} (${words.optional})`
