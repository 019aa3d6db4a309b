import { createHash } from "node:crypto"

/** Returns a strong entity tag: a digest of the content. */
export const etagOf = (content: string | Uint8Array): string =>
  `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`

/** Whether an `If-None-Match` names the tag, by the weak comparison that RFC 9110 asks for. */
export const matchesTag = (ifNoneMatch: string, etag: string): boolean =>
  // Nearly all clients send the tag back as they got it.
  ifNoneMatch === etag ||
  ifNoneMatch.trim() === "*" ||
  ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
