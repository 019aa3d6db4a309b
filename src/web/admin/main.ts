import { byId } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { type Desk, makeDesk } from "./desk.ts"
import { openKeptToken } from "./keptToken.ts"
import { checkToken, withToken } from "./session.ts"
import { signInForm } from "./signIn.ts"

const root = byId("admin", HTMLElement)
let desk: Desk | undefined
let shown: HTMLElement | undefined

const put = (element: HTMLElement): void => {
  shown?.remove()
  shown = element
  root.append(element)
}

const showSignIn = (why: string): void => {
  desk?.stop()
  desk = undefined
  const form = signInForm(why, (token) => {
    kept.keep(token)
    showDesk(token)
    // The form had the focus, and is gone.
    root.querySelector("a")?.focus()
  })
  put(form)
  form.querySelector("input")?.focus()
}

const showDesk = (token: string): void => {
  const signOut = (why = ""): void => {
    kept.forget()
    showSignIn(why)
  }
  // It may have been changed while the page was open.
  const ask = withToken(token, () => signOut(admin.signedOut))
  desk = makeDesk(ask, token, () => signOut())
  put(desk.element)
}

const kept = openKeptToken(() => showSignIn(""))

const token = await kept.find()
const problem = token === undefined ? "" : await checkToken(token)
if (token === undefined || (problem !== undefined && problem !== admin.missed)) showSignIn(problem ?? "")
else showDesk(token)
