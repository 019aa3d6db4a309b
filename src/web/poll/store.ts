/** A vote on its way; the key makes it one vote however often it is sent. */
export interface Pending {
  readonly option: string
  readonly key: string
}

/** A vote that was accepted. */
export interface Mine {
  readonly option: string
  readonly voteId: string
  readonly streamId: string
  readonly status: "queued" | "counted" | "superseded" | "rejected" | "dead" | "lost"
}

export interface Stored {
  readonly pending?: Pending
  readonly mine?: Mine
}

/** What this browser remembers of a poll, so that a reload continues where it was. */
export interface Store {
  read(): Stored
  write(stored: Stored): void
}

/**
 * Opens what the browser has stored for a poll. A browser may refuse to store things (private windows, a full disk): then
 * they last as long as the page.
 */
export const openStore = (slug: string): Store => {
  const name = `tallykeep:poll:${slug}`
  let held: Stored = {}
  try {
    held = JSON.parse(localStorage.getItem(name) ?? "{}")
  } catch {}
  return {
    read: () => held,
    write: (stored) => {
      held = stored
      try {
        localStorage.setItem(name, JSON.stringify(stored))
      } catch {}
    }
  }
}

/**
 * Returns the voter's token from the link's fragment, which no server sees. It moves into the tab's own storage, so that
 * the address can be shown to others.
 */
export const takeToken = (slug: string): string | undefined => {
  const name = `tallykeep:token:${slug}`
  const token = new URLSearchParams(location.hash.slice(1)).get("token")
  try {
    if (token === null) return sessionStorage.getItem(name) ?? undefined
    sessionStorage.setItem(name, token)
    history.replaceState(null, "", location.pathname)
  } catch {}
  return token ?? undefined
}
