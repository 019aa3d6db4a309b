import { make, onSubmit, say } from "../dom.ts"
import { life as words } from "../words/lifeWords.ts"
import { clearErrors, field, showErrors } from "./fields.ts"
import { type AdminAsk, explain } from "./session.ts"

/** Makes the form that deletes a poll, once its slug is written into it. */
export const deletionForm = (ask: AdminAsk, slug: string, gone: () => void): HTMLElement => {
  const typed = make("input", { name: "slug", autocomplete: "off", spellcheck: "false" })
  const error = make("p", { class: "trouble", role: "alert" })
  const form = make(
    "form",
    { class: "stack", novalidate: true },
    field(words.deleteSure(slug), typed, words.deleteHint),
    error,
    make("div", {}, make("button", { type: "submit", class: "danger" }, words.delete))
  )
  onSubmit(form, async () => {
    clearErrors(form)
    if (typed.value.trim() !== slug) {
      showErrors(form, [{ pointer: "#/slug", detail: words.deleteWrong(slug) }])
      return
    }
    const answer = await ask<undefined>(`/api/polls/${slug}?slug=${slug}`, { method: "DELETE" })
    if (answer.kind === "ok") gone()
    else say(error, explain(answer))
  })
  return make("details", { class: "more" }, make("summary", {}, words.deleteHeading), form)
}
