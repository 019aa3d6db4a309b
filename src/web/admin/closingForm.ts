import type { PollView } from "../../domain/PollView.ts"
import { make, onSubmit } from "../dom.ts"
import type { Answer } from "../http.ts"
import { ownZone } from "../words/formats.ts"
import { form as formWords } from "../words/formWords.ts"
import { life as words } from "../words/lifeWords.ts"
import { clearErrors, field, optional, showErrors } from "./fields.ts"
import { isSkipped, toLocal, toTime } from "./localTimes.ts"
import type { AdminAsk } from "./session.ts"
import { editPoll, hasClosed, type Versioned } from "./versioned.ts"

/** Makes the form that moves a poll's closing time or, once it has closed, opens it again. */
export const closingForm = (
  ask: AdminAsk,
  versioned: Versioned,
  answered: (answer: Answer<PollView>) => void
): HTMLFormElement => {
  const { poll } = versioned
  const closed = hasClosed(poll)
  const closes = make("input", { type: "datetime-local", name: "closes_at" })
  if (!closed && poll.closes_at !== undefined) closes.defaultValue = toLocal(poll.closes_at)
  const form = make(
    "form",
    { class: "closing stack", novalidate: true },
    field(optional(formWords.closesAt), closes, formWords.zone(ownZone())),
    make("div", {}, make("button", { type: "submit", class: "plain" }, closed ? words.reopen : words.extend))
  )
  onSubmit(form, async () => {
    clearErrors(form)
    const time = toTime(closes)
    const past = time !== undefined && Date.parse(time) <= ask.now()
    const { skipped, time: incomplete, past: passed } = formWords.wrong
    const wrong = closes.validity.badInput ? incomplete : isSkipped(closes) ? skipped : past ? passed : undefined
    if (wrong !== undefined) return void showErrors(form, [{ pointer: "#/closes_at", detail: wrong }])
    // The field knows neither seconds nor, of an hour that comes twice, which one: what nobody has changed stays as it is.
    if (!closed && closes.value === closes.defaultValue) return
    const answer = closed
      ? await ask<PollView>(`/api/polls/${poll.slug}/reopen`, {
          method: "POST",
          body: time === undefined ? {} : { closes_at: time }
        })
      : await editPoll(ask, versioned, { closes_at: time ?? null })
    // The panel is read again, also where a field of it has the focus.
    closes.blur()
    answered(answer)
  })
  return form
}
