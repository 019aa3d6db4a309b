import type { PollView } from "../../domain/PollView.ts"
import { parseStored, type Stored } from "./stored.ts"

/** What this browser remembers of a poll, so that a reload continues where it was, and its tabs know the same. */
export interface Store {
  read(): Stored
  update(change: (stored: Stored) => Stored): void
}

/**
 * Opens what the browser has stored for a poll and a voter; `changed` is called when another tab has changed it. A browser may
 * refuse to store things (private windows, a full disk): then they last as long as the page.
 */
export const openStore = (
  { opens_at, slug }: Pick<PollView, "opens_at" | "slug">,
  voter: string | undefined,
  changed: () => void
): Store => {
  const opensMs = Date.parse(opens_at ?? "") || 0
  const name = `tallykeep:poll:${slug}${voter === undefined ? "" : `:${voter}`}`
  let held = parseStored(null)
  /** Whether the browser keeps what this page knows. */
  let kept = true

  const read = (): Stored => {
    try {
      // Each time: another tab may have written a moment ago.
      if (kept) held = parseStored(localStorage.getItem(name), opensMs)
    } catch {
      kept = false
    }
    return held
  }

  addEventListener("storage", ({ key }) => {
    // No key: all was deleted.
    if (key === name || key === null) changed()
  })
  return {
    read,
    update: (change) => {
      held = change(read())
      try {
        localStorage.setItem(name, JSON.stringify(held))
        kept = true
      } catch {
        kept = false
      }
    }
  }
}

/**
 * Returns the voter's token from the link's fragment, which no server sees. It moves into the tab's own storage, so that
 * the address can be shown to others.
 */
export const takeToken = (slug: string): string | undefined => {
  const name = `tallykeep:token:${slug}`
  const token = tokenInLink()
  try {
    if (token === null) return sessionStorage.getItem(name) ?? undefined
    sessionStorage.setItem(name, token)
    history.replaceState(null, "", location.pathname)
  } catch {}
  return token ?? undefined
}

/** Returns the token in the page's address, if there is one. */
export const tokenInLink = (): string | null => new URLSearchParams(location.hash.slice(1)).get("token")
