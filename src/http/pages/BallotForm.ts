import type { Poll, PollOption } from "../../domain/Poll.ts"
import type { Rules } from "../../domain/Rules.ts"
import { type BallotErrors, explainRules, ballot as words } from "../../web/words/ballotWords.ts"
import { type Html, html } from "./Html.ts"

/** What the form comes back with that was sent and could not be taken. */
export interface Refilled {
  readonly fields: URLSearchParams
  readonly errors: BallotErrors
  /** What is wrong with the voter's token, if anything. */
  readonly token?: string
}

/** With more scores than this, a number is typed, or a slider moved, instead of a button pressed. */
const mostScoreButtons = 11

interface Field {
  readonly option: PollOption
  readonly poll: Poll
  /** Returns what was sent in a field before. */
  readonly sent: (name: string) => ReadonlyArray<string>
  /** What is wrong with it. */
  readonly wrong: string | undefined
}

const checkbox = ({ option: { id, label }, sent }: Field): Html =>
  html`<label class="pick"><input type="checkbox" name="options" value="${id}" id="pick-${id}" aria-describedby="error-${id}" ${sent("options").includes(id) ? html`checked` : undefined}> <span>${label}</span></label>`

/** A field for a number, which `min` and `max` bound. */
const number = (
  kind: "score" | "points",
  { option: { id, label }, sent, wrong }: Field,
  min: number,
  max: number
): Html => {
  const name = `${kind}-${id}`
  return html`<label class="label" for="${name}">${label}</label>
<div class="number"><input type="number" name="${name}" id="${name}" min="${min}" max="${max}" step="1" inputmode="${min < 0 ? "text" : "numeric"}" autocomplete="off" value="${sent(name)[0]}" aria-describedby="error-${id}" ${wrong && html`aria-invalid="true"`}></div>`
}

const scoreButtons = ({ option: { id, label }, sent }: Field, min: number, max: number, every: boolean): Html => {
  const name = `score-${id}`
  const [before = ""] = sent(name)
  const button = (value: string, text: string, says?: string): Html =>
    html`<label class="score"><input type="radio" name="${name}" value="${value}" ${says && html`aria-label="${says}"`} ${value === before ? html`checked` : undefined}><span>${text}</span></label>`
  const scores = Array.from({ length: max - min + 1 }, (_, index) => String(min + index))
  return html`<fieldset class="scores" aria-describedby="error-${id}"><legend class="label">${label}</legend>
<div class="row">${every ? undefined : button("", words.noRank, words.unsaid)}${scores.map((score) => button(score, score))}</div></fieldset>`
}

const ranks = ({ option: { id, label }, sent }: Field, max: number): Html => {
  const name = `rank-${id}`
  const [before] = sent(name)
  const options = Array.from({ length: max }, (_, index) => String(index + 1))
  return html`<label class="label" for="${name}">${label}</label>
<select name="${name}" id="${name}" aria-describedby="error-${id}"><option value="">${words.noRank}</option>${options.map((rank) => html`<option ${rank === before ? html`selected` : undefined}>${rank}</option>`)}</select>`
}

const control = (rules: Rules, field: Field): Html => {
  switch (rules.kind) {
    case "multiple":
      return checkbox(field)
    case "points":
      return number("points", field, 0, rules.budget)
    case "ranked":
      return ranks(field, rules.max)
    case "score":
      return rules.max - rules.min < mostScoreButtons
        ? scoreButtons(field, rules.min, rules.max, rules.every)
        : number("score", field, rules.min, rules.max)
    case "single":
      throw new Error("a poll for one option has no ballot to fill in")
  }
}

/** Returns what a ballot of any other kind is filled in by, and sent: controls that need no script, which makes more of them. */
export const ballotForm = (poll: Poll, enabled: boolean, refilled: Refilled | undefined): Html => {
  const { options, rules } = poll
  const sent = (name: string): ReadonlyArray<string> => refilled?.fields.getAll(name) ?? []
  const disabled = enabled ? undefined : html`disabled`
  return html`<fieldset class="ballot" id="choices" data-kind="${rules.kind}" aria-describedby="left ballot-error" ${disabled}>
<legend>${explainRules(rules, options.length)}</legend>
<ul class="choices">
${options.map((option) => {
  const wrong = refilled?.errors.options.get(option.id)
  return html`<li class="choice" id="option-${option.id}">${control(rules, { option, poll, sent, wrong })}
<p class="field-error" id="error-${option.id}">${wrong}</p></li>
`
})}</ul>
</fieldset>
<p class="left" id="left" role="status"></p>
<p class="field-error" id="ballot-error" role="alert">${refilled?.errors.whole}</p>
<div class="sending"><button type="submit" id="send" class="primary" ${disabled}>${words.send}</button>
${poll.abstain ? html`<button type="submit" name="abstain" value="true" id="abstain" class="plain" ${disabled}>${words.abstain}</button>` : undefined}
<button type="button" id="undo" class="plain" hidden>${words.undo}</button></div>`
}
