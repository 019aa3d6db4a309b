import { createHash } from "node:crypto"
import { TooManyRequests } from "../domain/Problems.ts"
import { clientAddress } from "./ClientAddress.ts"
import type { RateLimit } from "./HttpSettings.ts"

/**
 * Takes one off the allowance of the client behind a peer, at a time in ms of `elapsed`. Returns the refusal where nothing
 * was left, and what makes the headers that tell the client where it stands.
 */
export type RateLimiter = (
  peer: string,
  forwardedFor: string | undefined,
  now: number,
  /** `look` takes nothing, and tells whether anything is left. */
  how?: "look"
) => { readonly refusal: TooManyRequests | undefined; readonly headers: () => Readonly<Record<string, string>> }

/** How many addresses are known at a time; the oldest are forgotten first. */
const maxAddresses = 100_000

/** No address is longer: what else a proxy has written is known by its digest, so that 64 bytes hold any. */
const addressLength = 45

const keyOf = (address: string): string =>
  address.length <= addressLength ? address : createHash("sha256").update(address).digest("base64url")

/** Returns the same text on its own: V8 keeps the whole of a header for a part of it. */
const detached = (text: string): string => Buffer.from(text, "utf8").toString("utf8")

/**
 * Limits what each client address may do in this process, `what` in the plural: at most `votes` at once, and as many again
 * spread over each `seconds` (the generic cell rate algorithm). Idle addresses are forgotten after two windows.
 */
export const makeRateLimiter = ({ seconds, votes }: RateLimit, trustProxy: number, what = "votes"): RateLimiter => {
  const window = seconds * 1000
  const interval = window / votes
  const policy = `"${what}";q=${votes};w=${seconds}`
  const detail = `More than ${votes} ${what} in ${seconds} s from one address; try again later`
  const refusal = new TooManyRequests({ detail })

  // The time in ms at which an address has its whole allowance again, in two generations, a window apart. An address that
  // did not ask for a whole window has it by then, and is dropped without being looked at.
  let recent = new Map<string, number>()
  let former = new Map<string, number>()
  let oldest = former.keys()
  let turned = 0

  const turn = (now: number): void => {
    former = now - turned >= 2 * window ? new Map() : recent
    oldest = former.keys()
    recent = new Map()
    turned = now
  }

  const wholeAt = (address: string, now: number): number => {
    if (now - turned >= window) turn(now)
    return Math.max(recent.get(address) ?? former.get(address) ?? now, now)
  }

  const remember = (address: string, next: number, now: number): void => {
    if (recent.has(address)) {
      recent.set(address, next)
      return
    }
    former.delete(address)
    if (recent.size + former.size >= maxAddresses) {
      if (former.size === 0) turn(now)
      former.delete(String(oldest.next().value))
    }
    recent.set(detached(address), next)
  }

  return (peer, forwardedFor, now, how) => {
    const address = keyOf(clientAddress(peer, forwardedFor, trustProxy))
    const next = wholeAt(address, now) + interval
    const excess = next - now - window
    // A rounding error must not cost the last vote of a window.
    if (excess > interval * 1e-6) {
      const wait = String(Math.ceil(excess / 1000))
      const headers = { "retry-after": wait, "ratelimit-policy": policy, ratelimit: `"${what}";r=0;t=${wait}` }
      return { refusal, headers: () => headers }
    }
    if (how !== "look") remember(address, next, now)
    // Most of those who ask don't tell: of a read, nothing is said.
    const headers = () => {
      const remaining = Math.max(0, Math.floor(-excess / interval + 1e-6))
      return { "ratelimit-policy": policy, ratelimit: `"${what}";r=${remaining};t=${Math.ceil((next - now) / 1000)}` }
    }
    return { refusal: undefined, headers }
  }
}
