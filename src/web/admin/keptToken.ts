import { allowed } from "../allowed.ts"

/** The admin's token, for as long as a tab of the desk is open. */
export interface KeptToken {
  /** Returns the token that this tab had before a reload, or that another tab has; undefined where none has one. */
  find(): Promise<string | undefined>
  keep(token: string): void
  /** Forgets it in all tabs. */
  forget(): void
}

const name = "tallykeep:admin-token"

/** How long other tabs have to answer, in ms. */
const patience = 250

/** What tabs of one origin tell each other. */
interface Told {
  readonly kind: "asks" | "has" | "out"
  readonly token?: string
}

/**
 * Opens what keeps the token: the tab's own storage, which ends with the tab and which no other site can read. A new tab asks
 * those that are open, and `out` is called where another one has signed out. Nothing outlives the last tab.
 */
export const openKeptToken = (out: () => void): KeptToken => {
  let held = allowed(() => sessionStorage.getItem(name)) ?? undefined
  const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(name)
  const tell = (told: Told): void => channel?.postMessage(told)
  const hold = (token: string | undefined): void => {
    held = token
    allowed(() => (token === undefined ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, token)))
  }
  let given: (token: string) => void = () => undefined

  channel?.addEventListener("message", ({ data }: MessageEvent<Told>) => {
    if (data.kind === "asks" && held !== undefined) tell({ kind: "has", token: held })
    else if (data.kind === "has" && data.token !== undefined) given(data.token)
    else if (data.kind === "out" && held !== undefined) {
      hold(undefined)
      out()
    }
  })
  return {
    find: async () => {
      if (held !== undefined || channel === undefined) return held
      const token = await new Promise<string | undefined>((resolve) => {
        given = resolve
        setTimeout(() => resolve(undefined), patience)
        tell({ kind: "asks" })
      })
      if (token !== undefined) hold(token)
      return token
    },
    keep: hold,
    forget: () => {
      hold(undefined)
      tell({ kind: "out" })
    }
  }
}
