import type { PollView } from "../../domain/Poll.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { make, say } from "../dom.ts"
import { explainRules } from "../words/ballotWords.ts"
import { admin, deskTimes } from "../words/deskWords.ts"
import { form as words } from "../words/formWords.ts"
import { status } from "../words.ts"
import { saveFile } from "./save.ts"
import { type AdminAsk, explain } from "./session.ts"
import { sharing } from "./share.ts"
import { liveTally, type Tally } from "./tally.ts"
import { tokenMaker } from "./tokens.ts"

/** Downloads the CSV with the token, since results may be for the admin only, and hands it over as a file. */
const download = async (token: string, slug: string): Promise<boolean> => {
  try {
    const response = await fetch(`/api/polls/${slug}/results.csv`, { headers: { authorization: `Bearer ${token}` } })
    if (!response.ok) return false
    saveFile(`${slug}.csv`, await response.blob())
    return true
  } catch {
    return false
  }
}

/** Shows a status where `statusOf` has shown another one. */
export const showStatus = (state: HTMLElement, now: PollView["status"]): void => {
  state.dataset.status = now
  say(state, status[now])
}

/** Makes what says a poll's status. */
export const statusOf = (poll: PollView): HTMLElement => {
  const state = make("span", { class: "state" })
  showStatus(state, poll.status)
  return state
}

/** Makes the panel of one poll: its tally, and what can be done with it; `changed` is called where something was done. */
export const pollPanel = (ask: AdminAsk, token: string, poll: PollView, changed: () => void): Tally => {
  const state = statusOf(poll)
  const tally = liveTally(ask, poll, (now) => showStatus(state, now))
  const said = make("p", { role: "status" })
  const csv = make("button", { type: "button", class: "plain" }, admin.csv)
  csv.addEventListener("click", async () => say(said, (await download(token, poll.slug)) ? "" : admin.away))
  const close = make("button", { type: "button", class: "danger" }, admin.close)
  close.addEventListener("click", async () => {
    if (!confirm(admin.closeSure(poll.title))) return
    const answer = await ask<PollView>(`/api/polls/${poll.slug}/close`, { method: "POST" })
    if (answer.kind === "ok") changed()
    else say(said, explain(answer))
  })
  const hasClosed = poll.status === "counting" || poll.status === "final"
  const rules = [
    `${words.kind}: ${words.kinds[poll.kind]}`,
    ...(poll.kind === "single" ? [] : [explainRules(rulesOf(poll), poll.options.length)]),
    ...(poll.method === undefined ? [] : [`${words.method}: ${words.methods[poll.method]}`]),
    ...(poll.abstain === true ? [words.abstain] : []),
    `${words.ballot}: ${words.ballots[poll.ballot]}`,
    `${words.identity}: ${words.identities[poll.identity]}`,
    `${words.results}: ${words.visibilities[poll.results]}`,
    ...(poll.challenge === undefined ? [] : [`${words.challenge}: ${words.challenges[poll.challenge]}`])
  ]
  const element = make(
    "section",
    { class: "card stack" },
    make("div", { class: "head" }, make("h2", { tabindex: "-1" }, poll.title), state),
    make("p", { class: "hint" }, [deskTimes(poll), ...rules].filter((text) => text !== "").join(" · ")),
    tally.element,
    make(
      "div",
      { class: "actions" },
      make("a", { class: "button", href: `/polls/${poll.slug}` }, admin.voteHere),
      csv,
      ...(hasClosed ? [] : [close])
    ),
    said,
    sharing(ask, poll),
    ...(poll.identity === "token" && !hasClosed ? [tokenMaker(ask, poll)] : [])
  )
  return { element, stop: tally.stop }
}
