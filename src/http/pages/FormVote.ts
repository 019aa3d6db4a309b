import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { Headers } from "effect/http"
import type { InvalidFields, Problem } from "../../domain/Problems.ts"
import { trouble } from "../../web/words.ts"
import { parseForm } from "../body/FormBody.ts"
import { isIdempotencyKey } from "../voting/VoteRequest.ts"

/** What the form of the voting page sends. */
export interface FormVote {
  readonly option: string
  /** Made with the page: a form that is sent twice is one vote. */
  readonly key: string | undefined
  readonly token: string | undefined
}

/** Parses a body of type `application/x-www-form-urlencoded`. */
export const parseFormVote = (body: Buffer): Effect.Effect<FormVote, InvalidFields> =>
  Effect.map(parseForm(body), (fields) => {
    const key = fields.get("key") ?? ""
    return {
      option: fields.get("option") ?? "",
      key: isIdempotencyKey(key) ? key : undefined,
      token: fields.get("token")?.trim() || undefined
    }
  })

/**
 * Whether another site sent it: a form needs no leave to post to us, as JSON does, and must not vote for whoever looks at
 * a page somewhere else.
 */
export const isForeign = ({ headers }: HttpServerRequest.HttpServerRequest): boolean => {
  const from = headers["sec-fetch-site"]
  return from !== undefined && from !== "same-origin" && from !== "none"
}

/** Returns the request as the API would have got it, with the token that the form carries. */
export const withToken = (
  request: HttpServerRequest.HttpServerRequest,
  token: string | undefined
): HttpServerRequest.HttpServerRequest =>
  token === undefined
    ? request
    : request.modify({ headers: Headers.set(request.headers, "authorization", `Bearer ${token}`) })

/** Returns a refusal in the page's words. */
export const explainRefusal = (problem: Problem & { readonly _tag: string }): string => {
  switch (problem._tag) {
    case "HasVoted":
      return trouble.voted
    case "PollNotOpen":
      return trouble.closed
    case "Unauthorized":
    case "Forbidden":
      return trouble.badToken
    case "Unavailable":
      return trouble.unavailable
    default:
      return problem.detail ?? trouble.unknown
  }
}
