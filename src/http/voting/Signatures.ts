import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto"

/** Returns the signature of a text, in base64url. */
export type Sign = (text: string) => string

/** Makes the function that signs with a secret: HMAC with SHA-256. A key that is made once spares each signature a quarter of its time. */
export const makeSign = (secret: string | Uint8Array): Sign => {
  const key = createSecretKey(typeof secret === "string" ? Buffer.from(secret) : secret)
  return (text) => createHmac("sha256", key).update(text).digest("base64url")
}

/**
 * Whether a signature is that of the text by one of the signers. All of them sign, and the comparison takes a time that tells
 * nothing about what would be right.
 */
export const isSigned = (text: string, signature: string, signers: ReadonlyArray<Sign>): boolean => {
  const given = Buffer.from(signature)
  let right = false
  for (const sign of signers) {
    const expected = Buffer.from(sign(text))
    if (given.length === expected.length && timingSafeEqual(given, expected)) right = true
  }
  return right
}
