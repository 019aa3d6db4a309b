import type { Poll } from "../../domain/Poll.ts"
import { verify as words } from "../../web/words/logWords.ts"
import { page } from "../../web/words.ts"
import type { Assets } from "./Assets.ts"
import { html } from "./Html.ts"
import { layout } from "./Layout.ts"

/** Returns the page whose script counts a poll's public log again. */
export const verifyPage = (assets: Assets, { slug, title }: Pick<Poll, "slug" | "title">): string =>
  layout(assets, {
    title: words.title(title),
    style: ["page.css"],
    script: "verify.js",
    main: html`<main id="verify" data-slug="${slug}">
<h1>${words.heading}</h1>
<p><a href="/polls/${slug}">${title}</a></p>
<noscript><p>${page.needsScript}</p></noscript>
<progress id="progress" max="1" value="0" aria-label="${words.heading}"></progress>
<div class="notice" id="notice" data-tone="busy"><p id="notice-text" role="status">${words.begins}</p>
<a id="keep" hidden>${words.keep}</a></div>
<ul id="wrong"></ul>
<p class="outcome" id="outcome"></p>
<ul id="counts"></ul>
<h2>${words.proves}</h2>
<ul>${words.provesThat.map((line) => html`<li>${line}</li>`)}</ul>
<h2>${words.provesNot}</h2>
<ul>${words.provesNotThat.map((line) => html`<li>${line}</li>`)}</ul>
<p>${words.otherWays}</p>
</main>`
  })
