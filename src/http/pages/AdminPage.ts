import { admin } from "../../web/words/deskWords.ts"
import { page } from "../../web/words.ts"
import type { Assets } from "./Assets.ts"
import { html } from "./Html.ts"
import { layout } from "./Layout.ts"

/** Returns the organiser's page, all of which is made by its script; that asks for the token first. */
export const adminPage = (assets: Assets): string =>
  layout(assets, {
    title: admin.title,
    style: ["page.css", "tools.css"],
    script: "admin.js",
    main: html`<main id="admin" class="wide">
<h1>${admin.title}</h1>
<noscript><p>${page.needsScript}</p></noscript>
</main>`
  })
