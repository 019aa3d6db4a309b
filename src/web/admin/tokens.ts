import type { PollView } from "../../domain/PollView.ts"
import { make, onSubmit, say } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { copyText } from "./copyText.ts"
import { field } from "./fields.ts"
import { type AdminAsk, explain } from "./session.ts"

/** Makes the form that creates voters' links, each with a token in its fragment, and a button to copy them. */
export const tokenMaker = (ask: AdminAsk, { slug }: PollView): HTMLElement => {
  const many = make("input", { type: "number", min: "1", max: "10000", value: "10", required: true })
  const links = make("textarea", { rows: "5", readonly: true })
  const copy = make("button", { type: "button", class: "plain" }, admin.copy)
  const result = make("div", { class: "stack", hidden: true }, field(admin.tokenLinks, links), copy)
  const said = make("p", { role: "status" })

  copy.addEventListener("click", async () => {
    await copyText(links)
    say(said, admin.copied)
  })
  const form = make(
    "form",
    { class: "stack" },
    make("h3", {}, admin.tokens),
    make(
      "div",
      { class: "actions" },
      field(admin.tokenCount, many),
      make("button", { type: "submit", class: "plain" }, admin.makeTokens)
    ),
    result,
    said
  )
  onSubmit(form, async () => {
    const body = { count: many.valueAsNumber }
    const answer = await ask<{ readonly tokens: ReadonlyArray<string> }>(`/api/polls/${slug}/tokens`, {
      method: "POST",
      body
    })
    say(said, answer.kind === "ok" ? "" : explain(answer))
    if (answer.kind !== "ok") return
    links.value = answer.body.tokens.map((token) => `${location.origin}/polls/${slug}#token=${token}`).join("\n")
    result.hidden = false
  })
  return form
}
