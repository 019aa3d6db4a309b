import { slugPattern } from "../../domain/OptionIds.ts"
import type { PollView } from "../../domain/PollView.ts"
import { make, say, whileDisabled } from "../dom.ts"
import { form as words } from "../words/formWords.ts"
import { clearErrors, showErrors } from "./fields.ts"
import { fillForm, keepDraft, readDraft, readForm } from "./formValues.ts"
import { makePollFields, type PollBody } from "./pollFields.ts"
import { type AdminAsk, explain } from "./session.ts"
import { makeSlugField } from "./slugField.ts"
import { readPoll, says } from "./versioned.ts"

/** Makes the form that creates a poll. What is filled in is kept until it is sent or thrown away. */
export const createForm = (ask: AdminAsk, done: (poll: PollView) => void, cancel: () => void): HTMLFormElement => {
  const keep = (): void => keepDraft("", readForm(form))
  const fields = makePollFields()
  const slug = makeSlugField(ask, () => keep())
  const error = make("p", { class: "trouble", role: "alert" })
  const back = make("button", { type: "button", class: "plain" }, words.discard)
  const submit = make("button", { type: "submit" }, words.submit)
  const asDraft = make("button", { type: "button", class: "plain" }, words.asDraft)
  const [title, ...others] = fields.elements
  const form = make(
    "form",
    { class: "card stack", novalidate: true, "aria-label": words.heading },
    make("h2", { tabindex: "-1" }, words.heading),
    ...(title === undefined ? [] : [title]),
    slug.element,
    ...others,
    error,
    make("div", { class: "actions" }, submit, asDraft, back)
  )
  const draft = readDraft()
  if (draft !== undefined) fillForm(form, draft)
  slug.restored(fields.title.value)
  fields.title.addEventListener("input", () => slug.suggest(fields.title.value))
  form.addEventListener("input", keep)
  form.addEventListener("change", keep)
  back.addEventListener("click", () => {
    keepDraft("", undefined)
    cancel()
  })

  /** The poll whose request had no answer: it may have been made. */
  let unsure = ""
  const isMade = async (slug: string, { options, title }: PollBody): Promise<PollView | undefined> => {
    const answer = slug === unsure ? await readPoll(ask, slug) : undefined
    return answer?.kind === "ok" && says(answer.body, { options, title }) ? answer.body : undefined
  }
  const made = (poll: PollView): void => {
    keepDraft("", undefined)
    done(poll)
  }

  const send = async (draft: boolean): Promise<void> => {
    say(error, "")
    clearErrors(form)
    const wrong = fields.check(ask.now())
    const badSlug = slugPattern.test(slug.input.value) ? [] : [{ pointer: "#/slug", detail: words.wrong.slug }]
    if (showErrors(form, [...badSlug, ...wrong])) return
    const body = { slug: slug.input.value, ...fields.read(), ...(draft ? { draft } : {}) }
    const answer = await whileDisabled([submit, asDraft], ask<PollView>("/api/polls", { method: "POST", body }))
    if (answer.kind === "ok") made(answer.body)
    else if (answer.kind === "problem" && answer.problem.type.endsWith(":poll-exists")) {
      const taken = slug.input.value
      const mine = await isMade(taken, body)
      if (mine !== undefined) return made(mine)
      await slug.renumber()
      showErrors(form, [{ pointer: "#/slug", detail: words.wrong.taken(taken, slug.input.value) }])
    } else {
      if (answer.kind === "away") unsure = body.slug
      const text = explain(answer, (one) => showErrors(form, [one]))
      say(error, text)
    }
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    void send(false)
  })
  asDraft.addEventListener("click", () => void send(true))
  return form
}
