import { toSlug } from "../../domain/OptionIds.ts"
import type { PollView } from "../../domain/Poll.ts"
import { make, say } from "../dom.ts"
import { form as words } from "../words/formWords.ts"
import { choice, clearErrors, field, optional, showError, toOptions } from "./fields.ts"
import { makeKindFields } from "./kindFields.ts"
import { type AdminAsk, explain } from "./session.ts"

/** Converts a time typed in this browser's zone to RFC 3339. */
const toTime = (input: HTMLInputElement): string | undefined =>
  input.value === "" ? undefined : new Date(input.value).toISOString()

/** Makes the form that creates a poll. */
export const createForm = (ask: AdminAsk, done: (poll: PollView) => void, cancel: () => void): HTMLFormElement => {
  const title = make("input", { name: "title", required: true, maxlength: "200", autocomplete: "off" })
  const slug = make("input", {
    name: "slug",
    required: true,
    pattern: "[a-z0-9]([a-z0-9\\-]{0,62}[a-z0-9])?",
    autocomplete: "off"
  })
  const description = make("textarea", { name: "description", rows: "2", maxlength: "2000" })
  const options = make("textarea", { name: "options", rows: "4", required: true })
  const opens = make("input", { name: "opens_at", type: "datetime-local" })
  const closes = make("input", { name: "closes_at", type: "datetime-local" })
  const error = make("p", { class: "trouble", role: "alert" })
  const chosen = (name: string): string => String(new FormData(form).get(name))

  // A rule about voters needs a way to tell them apart.
  const onChange = (): void => {
    const anyone = form.querySelector<HTMLInputElement>('input[name="identity"][value="anyone"]')
    const browser = form.querySelector<HTMLInputElement>('input[name="identity"][value="browser"]')
    if (anyone === null || browser === null) return
    anyone.disabled = chosen("ballot") !== "open" || chosen("results") === "after_vote"
    if (anyone.disabled && anyone.checked) browser.checked = true
  }
  let slugTyped = false
  slug.addEventListener("input", () => {
    slugTyped = slug.value !== ""
  })
  title.addEventListener("input", () => {
    if (!slugTyped) slug.value = toSlug(title.value)
  })
  const kind = makeKindFields()
  const back = make("button", { type: "button", class: "plain" }, words.cancel)
  back.addEventListener("click", cancel)

  const form = make(
    "form",
    { class: "card stack" },
    field(words.title, title),
    field(words.slug, slug, words.slugHint),
    field(optional(words.description), description),
    field(words.options, options),
    ...kind.elements,
    choice(words.ballot, "ballot", words.ballots, onChange),
    choice(words.identity, "identity", words.identities, onChange),
    choice(words.results, "results", words.visibilities, onChange),
    choice(words.challenge, "challenge", words.challenges, onChange),
    make("div", { class: "pair" }, field(optional(words.opensAt), opens), field(optional(words.closesAt), closes)),
    error,
    make("div", { class: "actions" }, make("button", { type: "submit" }, words.submit), back)
  )
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    say(error, "")
    clearErrors(form)
    const [opensAt, closesAt] = [toTime(opens), toTime(closes)]
    const body = {
      slug: slug.value,
      title: title.value.trim(),
      ...(description.value.trim() === "" ? {} : { description: description.value.trim() }),
      options: toOptions(options.value, chosen("kind") === "single"),
      ...kind.read(),
      ballot: chosen("ballot"),
      identity: chosen("identity"),
      results: chosen("results"),
      challenge: chosen("challenge"),
      ...(opensAt === undefined ? {} : { opens_at: opensAt }),
      ...(closesAt === undefined ? {} : { closes_at: closesAt })
    }
    const answer = await ask<PollView>("/api/polls", { method: "POST", body })
    if (answer.kind === "ok") done(answer.body)
    else {
      say(
        error,
        explain(answer, (wrong) => showError(form, wrong))
      )
      form.querySelector<HTMLElement>("[aria-invalid]")?.focus()
    }
  })
  return form
}
