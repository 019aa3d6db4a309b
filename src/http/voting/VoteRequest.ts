import { Malformed, type UnsupportedMediaType } from "../../domain/Problems.ts"
import { refuseMediaType } from "../body/MediaType.ts"

/** Whether it is 1 to 255 visible ASCII characters. */
export const isIdempotencyKey = (key: string): boolean => /^[!-~]{1,255}$/.test(key)

/** How a description has the header; it is not one of the endpoint's, which would be decoded for each vote. */
export const idempotencyKeyHeader = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" }
}

interface VoteHeaders {
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly idempotencyKey: string | undefined
}

/** Returns why a request with these headers can't be a vote; undefined where it can. */
export const refuseHeaders = (headers: VoteHeaders): UnsupportedMediaType | Malformed | undefined =>
  refuseMediaType(headers.contentType, headers.contentEncoding) ??
  (headers.idempotencyKey === undefined || isIdempotencyKey(headers.idempotencyKey) ? undefined : invalidKey)

const invalidKey = new Malformed({ detail: "An Idempotency-Key is 1 to 255 visible ASCII characters" })
