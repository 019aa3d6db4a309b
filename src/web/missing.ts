import { ask } from "./http.ts"

/** How often to look for the poll, in ms. */
const often = 5_000

// The page of a poll that is not there: its organiser may not have published it yet.
const [, slug] = /^\/polls\/([^/]+)/.exec(location.pathname) ?? []
setInterval(async () => {
  if (document.hidden) return
  if ((await ask(`/api/polls/${slug}`)).kind === "ok") location.reload()
}, often)
