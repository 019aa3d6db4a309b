import { page } from "../../web/words.ts"
import type { Assets } from "./Assets.ts"
import { type Html, html } from "./Html.ts"

interface Layout {
  readonly title: string
  readonly style: ReadonlyArray<string>
  readonly script: string | undefined
  /** Stands beside the name, at the top. */
  readonly aside?: Html
  readonly main: Html
}

/** Pages load only what is ours, and no other page may frame them or take their forms. */
export const pagePolicy =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

/** Returns a whole page. */
export const layout = (assets: Assets, { aside, main, script, style, title }: Layout): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} &middot; ${page.name}</title>
<link rel="icon" href="${assets.url("icon.svg")}" type="image/svg+xml">
${style.map((name) => html`<link rel="stylesheet" href="${assets.url(name)}">`)}
${script === undefined ? undefined : html`<script type="module" src="${assets.url(script)}"></script>`}
</head>
<body>
<header class="top"><a class="brand" href="/"><img src="${assets.url("icon.svg")}" alt="" width="24" height="24">${page.name}</a>${aside}</header>
${main}
<footer><p>${page.promise}</p><p><a href="/docs">${page.docs}</a></p></footer>
</body>
</html>
`.html
