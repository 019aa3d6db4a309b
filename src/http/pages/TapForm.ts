import { abstention } from "../../domain/Choice.ts"
import type { Poll } from "../../domain/Poll.ts"
import type { Results } from "../../domain/Tally.ts"
import { ballot as words } from "../../web/words/ballotWords.ts"
import { shares, votes } from "../../web/words/formats.ts"
import { page } from "../../web/words.ts"
import { type Html, html } from "./Html.ts"

/** Returns what a poll for one option is voted in by: a button for each, with its result. */
export const tapForm = (poll: Poll, results: Results | undefined, enabled: boolean): Html => {
  const inWords = shares(results?.results.map(({ count }) => count) ?? [])
  const shown = new Map(results?.results.map((result, index) => [result.option, { ...result, share: inWords[index] }]))
  const disabled = enabled ? undefined : html`disabled`
  const option = ({ id, label }: Poll["options"][number]): Html => {
    const result = shown.get(id)
    return html`<li class="option ${results?.winners.includes(id) ? "leads" : ""}" id="option-${id}">
<button type="submit" name="option" value="${id}" id="vote-${id}" aria-describedby="mark-${id} figures-${id}" ${disabled}>${label}</button>
<span class="mark" id="mark-${id}"></span>
<meter id="bar-${id}" min="0" max="100" value="${result?.percentage ?? 0}" aria-label="${page.share(label)}"></meter>
<p class="figures" id="figures-${id}"><span class="share" id="share-${id}">${result?.share}</span> <span class="votes" id="votes-${id}">${result && votes(result.count)}</span></p>
</li>`
  }
  return html`<ul class="options">
${poll.options.map(option)}
${poll.abstain ? html`<li class="option abstain" id="option-${abstention}"><button type="submit" name="abstain" value="true" id="vote-${abstention}" ${disabled}>${words.abstain}</button> <span class="mark" id="mark-${abstention}"></span></li>` : undefined}
</ul>`
}
