import { Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { SentHeaders } from "../Origin.ts"

/** What tells who a request is from. */
export interface Sender {
  readonly headers: SentHeaders
  /** The address of the other end of its connection. */
  readonly peer: string | undefined
  /** The request itself, as Node has it. */
  readonly source: object
}

/** Returns what tells who a request of the app's is from. */
export const senderOf = ({ headers, remoteAddress, source }: HttpServerRequest.HttpServerRequest): Sender => ({
  headers,
  peer: Option.getOrUndefined(remoteAddress),
  source
})
