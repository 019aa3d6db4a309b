import { page } from "../../web/words.ts"
import type { Assets } from "./Assets.ts"
import { type Html, html } from "./Html.ts"

interface Layout {
  readonly title: string
  readonly style: ReadonlyArray<string>
  readonly script: string | undefined
  /** What the head says besides, of this page alone. */
  readonly head?: Html | undefined
  /** Stands beside the name, at the top. */
  readonly aside?: Html
  readonly main: Html
}

/** Pages load only what is ours, and no other page may frame them or take their forms. */
export const pagePolicy =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

/** Returns a whole page. */
export const layout = (assets: Assets, { aside, head, main, script, style, title }: Layout): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} &middot; ${page.name}</title>
<meta name="theme-color" content="#f6f7fa" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#11141b" media="(prefers-color-scheme: dark)">
${head}
<link rel="icon" href="${assets.url("icon-180.png")}" type="image/png" sizes="180x180">
<link rel="icon" href="${assets.url("icon.svg")}" type="image/svg+xml" sizes="any">
<link rel="apple-touch-icon" href="${assets.url("icon-180.png")}">
<link rel="manifest" href="${assets.url("site.webmanifest")}">
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
