import { make, onSubmit, say } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { field } from "./fields.ts"
import { checkToken } from "./session.ts"

/** Makes the form that asks for the token; `done` gets one that the service accepts. */
export const signInForm = (why: string, done: (token: string) => void): HTMLFormElement => {
  const token = make("input", { type: "password", required: true, autocomplete: "off" })
  const error = make("p", { class: "trouble", role: "alert" }, why)
  const form = make(
    "form",
    { class: "card stack sign-in" },
    field(admin.token, token, admin.tokenHint),
    error,
    make("div", { class: "actions" }, make("button", { type: "submit" }, admin.signIn))
  )
  onSubmit(form, async () => {
    const problem = await checkToken(token.value)
    say(error, problem ?? "")
    if (problem === undefined) done(token.value)
  })
  return form
}
