import type { PollOption } from "../../domain/Poll.ts"
import type { PollView } from "../../domain/PollView.ts"
import { make, onSubmit, say } from "../dom.ts"
import { form as words } from "../words/formWords.ts"
import { life as lifeWords } from "../words/lifeWords.ts"
import { rulesTold } from "./facts.ts"
import { clearErrors, showErrors } from "./fields.ts"
import { type FormValues, fillForm, keepDraft, readDraft, readForm } from "./formValues.ts"
import { toLocal } from "./localTimes.ts"
import { makePollFields, type PollBody } from "./pollFields.ts"
import { type AdminAsk, explain } from "./session.ts"
import { editPoll, readPoll, says, type Versioned } from "./versioned.ts"

/** What the fields hold for a poll. */
const valuesOf = (poll: PollView): FormValues => {
  const values: Record<string, string | boolean> = { description: "", challenge: "none" }
  for (const [name, value] of Object.entries(poll)) {
    values[name] = typeof value === "boolean" ? value : String(value)
  }
  return {
    ...values,
    options: poll.options.map(({ label }) => label).join("\n"),
    opens_at: poll.opens_at === undefined ? "" : toLocal(poll.opens_at),
    closes_at: poll.closes_at === undefined ? "" : toLocal(poll.closes_at)
  }
}

/** What a request says of a field that is filled in no more. */
const emptied = (name: string, body: PollBody): unknown => {
  if (["description", "opens_at", "closes_at"].includes(name)) return null
  if (["every", "spend_all", "abstain", "listed"].includes(name)) return false
  const { length } = Array.isArray(body.options) ? body.options : []
  return name === "max" ? Math.min(length, body.kind === "ranked" ? 12 : length) : undefined
}

/** Returns the fields that are to change. */
export const changesOf = (before: PollBody, after: PollBody): PollBody => {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(
    changed
      .map((name) => [name, after[name] ?? emptied(name, after)] as const)
      .filter(([, value]) => value !== undefined)
  )
}

/** Whether options are the same, in the same order, under whatever labels. */
const haveSameIds = (options: ReadonlyArray<PollOption>, others: ReadonlyArray<PollOption>): boolean =>
  options.length === others.length && options.every(({ id }, index) => id === others[index]?.id)

/**
 * Makes the form that changes a poll. Once it has votes, what decides over them can't be changed. Where somebody else has changed
 * it meanwhile, nothing is overwritten: the reader is told, and may go on from what it is now.
 */
export const editForm = (
  ask: AdminAsk,
  versioned: Versioned,
  hasVotes: boolean,
  { anew, done }: { readonly done: () => void; readonly anew: () => void }
): HTMLFormElement => {
  const { poll, tag } = versioned
  const fields = makePollFields(poll.options)
  const error = make("p", { class: "trouble", role: "alert" })
  const submit = make("button", { type: "submit" }, lifeWords.save)
  const back = make("button", { type: "button", class: "plain" }, words.discard)
  const reload = make("button", { type: "button", class: "plain", hidden: true }, lifeWords.asItIs)
  const form = make(
    "form",
    { class: "card stack", novalidate: true, "aria-label": lifeWords.editing(poll.title) },
    make("h2", { tabindex: "-1" }, lifeWords.editing(poll.title)),
    ...(hasVotes
      ? [lifeWords.fixed, rulesTold(poll).join(" · ")].map((text) => make("p", { class: "hint" }, text))
      : []),
    ...fields.elements,
    error,
    make("div", { class: "actions" }, submit, back, reload)
  )
  fillForm(form, valuesOf(poll))
  if (hasVotes) fields.fix(poll)
  const before = fields.read()
  const draft = readDraft(poll.slug)
  // What was based on another version would undo what has been changed since.
  if (draft !== undefined && draft.tag === tag) fillForm(form, draft)
  const keep = (): void => keepDraft(poll.slug, { ...readForm(form), tag: tag ?? "" })
  form.addEventListener("input", keep)
  form.addEventListener("change", keep)
  const leave = (then: () => void) => () => {
    keepDraft(poll.slug, undefined)
    then()
  }
  back.addEventListener("click", leave(done))
  reload.addEventListener("click", leave(anew))

  onSubmit(form, async () => {
    say(error, "")
    clearErrors(form)
    const after = fields.read()
    const changes = changesOf(before, after)
    const wrong = fields.check(ask.now()).filter(({ pointer }) => changes[pointer.slice(2)] !== undefined)
    if (hasVotes && !haveSameIds(after.options, poll.options))
      wrong.push({ pointer: "#/options", detail: words.wrong.fixedOptions })
    if (showErrors(form, wrong)) return
    if (Object.keys(changes).length === 0) return leave(done)()
    const answer = await editPoll(ask, versioned, changes)
    if (answer.kind === "ok") return leave(done)()
    const stale = answer.kind === "problem" && answer.problem.status === 412
    // The answer to the same request before may have been lost.
    const now = stale ? await readPoll(ask, poll.slug) : undefined
    if (now?.kind === "ok" && says(now.body, changes)) return leave(done)()
    // There may be votes by now, or an end: what can be changed is another form's.
    reload.hidden = !stale && !(answer.kind === "problem" && answer.problem.status === 409)
    say(error, stale ? lifeWords.stale : explain(answer, (one) => showErrors(form, [one])))
  })
  return form
}
