import type { Poll } from "../../domain/Poll.ts"
import { page } from "../../web/words.ts"
import type { Assets } from "./Assets.ts"
import { type Html, html } from "./Html.ts"

/** How long a description may be, in characters: chats show about that much. */
const longest = 200

const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest - 1).trimEnd()}…` : text)

/**
 * Returns what the head of a poll's page says to a chat or a site that shows its link (the Open Graph protocol). It tells
 * nothing of the results, which not everyone may see, and takes absolute addresses only.
 */
export const sharedAs = (assets: Assets, poll: Poll, origin: string | undefined): Html => {
  const text = cut((poll.description ?? page.choose(poll.options.map(({ label }) => label))).replace(/\s+/g, " "))
  const property = (name: string, content: string): Html => html`<meta property="og:${name}" content="${content}">\n`
  return html`<meta name="description" content="${text}">
${property("type", "website")}${property("site_name", page.name)}${property("title", poll.title)}${property("description", text)}${
  origin &&
  html`${property("url", `${origin}/polls/${poll.slug}`)}${property("image", `${origin}${assets.url("share.png")}`)}${property("image:width", "1200")}${property("image:height", "630")}${property("image:alt", page.pictured)}`
}<meta name="twitter:card" content="summary_large_image">`
}
