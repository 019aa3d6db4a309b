import { allowed } from "../allowed.ts"
import { isRecord } from "../http.ts"

/** What is filled in of a form, by the fields' names; of a box, whether it is ticked. Fields that don't apply are left out. */
export type FormValues = Readonly<Record<string, string | boolean>>

type Control = HTMLInputElement | HTMLTextAreaElement

const controlsOf = (form: HTMLFormElement): ReadonlyArray<Control> =>
  [...form.querySelectorAll<Control>("input[name], textarea[name]")].filter((control) => !control.matches(":disabled"))

export const readForm = (form: HTMLFormElement): FormValues => {
  const values: Record<string, string | boolean> = {}
  for (const control of controlsOf(form)) {
    if (control.type === "checkbox") values[control.name] = control instanceof HTMLInputElement && control.checked
    else if (control.type !== "radio" || (control instanceof HTMLInputElement && control.checked)) {
      values[control.name] = control.value
    }
  }
  return values
}

/** Makes those choices of a form that can be made. */
const choose = (form: HTMLFormElement, values: FormValues): void => {
  for (const radio of form.querySelectorAll<HTMLInputElement>('input[type="radio"]')) {
    if (values[radio.name] !== radio.value || radio.checked || radio.matches(":disabled")) continue
    radio.checked = true
    radio.dispatchEvent(new Event("change", { bubbles: true }))
  }
}

/** Fills a form in, as far as it can be changed. Choices come first, since they decide which fields apply. */
export const fillForm = (form: HTMLFormElement, values: FormValues): void => {
  choose(form, values)
  // One may be possible only by another that comes after it.
  choose(form, values)
  for (const control of controlsOf(form)) {
    const value = values[control.name]
    if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = value === true
    else if (control.type !== "radio" && typeof value === "string") control.value = value
  }
}

/** A draft is kept by the poll that it is of; a new one has no name yet. */
const nameOf = (slug: string): string => `tallykeep:draft:${slug}`

/** Returns what was filled in and not sent, in this tab; undefined where there is nothing. */
export const readDraft = (slug = ""): FormValues | undefined => {
  const kept: unknown = allowed(() => JSON.parse(sessionStorage.getItem(nameOf(slug)) ?? "null"))
  return isRecord(kept) ? (kept as FormValues) : undefined
}

/** Keeps what is filled in for as long as the tab is there; forgets it where there is nothing to keep. */
export const keepDraft = (slug: string, values: FormValues | undefined): void =>
  allowed(() =>
    values === undefined
      ? sessionStorage.removeItem(nameOf(slug))
      : sessionStorage.setItem(nameOf(slug), JSON.stringify(values))
  )
