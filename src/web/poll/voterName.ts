/** Returns 53 bits of a hash as text. It only tells voters apart: whoever can read the browser's storage may vote for them. */
const digest = (text: string): string => {
  let [low, high] = [0xdeadbeef, 0x41c6ce57]
  for (let index = 0; index < text.length; index++) {
    low = Math.imul(low ^ text.charCodeAt(index), 0x9e3779b1)
    high = Math.imul(high ^ text.charCodeAt(index), 0x5f356495)
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  return ((high & 0x1fffff) * 2 ** 32 + (low >>> 0)).toString(36)
}

/** Returns what a token says of its voter: a provider's user has a new token after each sign-in, and stays one voter. */
const subjectOf = (token: string): string => {
  try {
    const payload = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"))
    const { iss, sub }: { readonly iss?: unknown; readonly sub?: unknown } = JSON.parse(payload)
    if (typeof sub === "string") return `${iss}\n${sub}`
  } catch {}
  return token
}

/** Returns a short name for the voter of a token, from which neither can be read. */
export const voterName = (token: string): string => digest(subjectOf(token))
