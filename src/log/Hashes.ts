import { hash } from "node:crypto"

export { nodeSha256 as sha256 } from "../domain/log/NodeSha256.ts"

/** Returns the SHA-256 of a text: for short ones this takes a third of the time that bytes take. */
export const sha256OfText = (text: string): Uint8Array => hash("sha256", text, "buffer")

/** The last of 22 characters of base64url, of which two bits count, by all that it can be in a longer text. */
const lastOf = new Map(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((character, index) => [
    character,
    "AQgw"[index >> 4] ?? "A"
  ])
)

/** Returns the first half of a text's SHA-256 in base64url: what `leafId` returns, sooner. */
export const halfHashOfText = (text: string): string => {
  const whole = hash("sha256", text, "base64url")
  return whole.slice(0, 21) + (lastOf.get(whole[21] ?? "A") ?? "A")
}
