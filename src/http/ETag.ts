import { createHash } from "node:crypto"
import { HttpServerResponse } from "effect/http"

/** Returns a strong entity tag: a digest of the content. */
export const etagOf = (content: string | Uint8Array): string =>
  `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`

/** Whether an `If-None-Match` names the tag, by the weak comparison that RFC 9110 asks for. */
export const matchesTag = (ifNoneMatch: string, etag: string): boolean =>
  // Nearly all clients send the tag back as they got it.
  ifNoneMatch === etag ||
  ifNoneMatch.trim() === "*" ||
  ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)

/** For what everyone may see and changes at any time: a burst of readers gets it from what is in between. */
export const publicBriefly = "public, max-age=2"

interface TaggedHeaders extends Readonly<Record<string, string>> {
  readonly etag: string
  readonly "cache-control": string
}

/** Returns content as a response; none but its headers where an `If-None-Match` says that the client has it. */
export const taggedResponse = (
  content: string | Uint8Array,
  contentType: string,
  headers: TaggedHeaders,
  ifNoneMatch: string | undefined
): HttpServerResponse.HttpServerResponse => {
  if (ifNoneMatch !== undefined && matchesTag(ifNoneMatch, headers.etag)) {
    return HttpServerResponse.empty({ status: 304, headers })
  }
  return typeof content === "string"
    ? HttpServerResponse.text(content, { contentType, headers })
    : HttpServerResponse.uint8Array(content, { contentType, headers })
}

export const jsonResponse = (body: string, headers: TaggedHeaders, ifNoneMatch: string | undefined) =>
  taggedResponse(body, "application/json", headers, ifNoneMatch)
