import { allowed } from "./allowed.ts"

/** Returns the bytes at an address; undefined where there is nothing. Asks again where the service is busy. */
export const bytesAt = async (url: string): Promise<Uint8Array | undefined> => {
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, { cache: "no-cache" })
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
    if (response.status === 404 || response.status === 403) return undefined
    if (tries === 8) throw new Error(`${url}: ${response.status}`)
    await pause(1_000 * (Number(response.headers.get("retry-after")) || 1))
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Returns whether this browser checks Ed25519, which pages without HTTPS can't. */
export const canVerify = async (): Promise<boolean> => {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"])
    return true
  } catch {
    return false
  }
}

/** Returns the path of a log by its name in a checkpoint, which is its address without the scheme. */
export const pathOfOrigin = (origin: string): string => origin.slice(Math.max(0, origin.indexOf("/")))

const nameOf = (path: string): string => `tallykeep:checkpoint:${path}`

/** Returns the checkpoint of a log that this browser has kept. */
export const keptCheckpoint = (path: string): string | undefined =>
  allowed(() => localStorage.getItem(nameOf(path))) ?? undefined

export const keepCheckpoint = (path: string, note: string): void =>
  allowed(() => localStorage.setItem(nameOf(path), note))

/** Lets the reader download a text. */
export const offer = (link: HTMLAnchorElement, name: string, text: string): void => {
  URL.revokeObjectURL(link.href)
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }))
  link.download = name
  link.hidden = false
}
