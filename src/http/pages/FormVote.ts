import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { Headers } from "effect/http"
import type { Poll } from "../../domain/Poll.ts"
import type { FieldError, InvalidFields, Problem } from "../../domain/Problems.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import { challenge, tokenTrouble, trouble, vote } from "../../web/words.ts"
import { parseForm } from "../body/FormBody.ts"
import { isIdempotencyKey } from "../voting/VoteRequest.ts"
import { formChoice } from "./FormChoice.ts"

/** What the form of the voting page sends. */
export interface FormVote {
  /** All of its fields. */
  readonly fields: URLSearchParams
  /** What it says, or what is wrong with that. */
  readonly choice: string | ReadonlyArray<FieldError>
  /** Made with the page: a form that is sent twice is one vote. */
  readonly key: string | undefined
  readonly token: string | undefined
}

/** Parses a body of type `application/x-www-form-urlencoded`, as a vote in a poll. */
export const parseFormVote = (body: Buffer, poll: Poll): Effect.Effect<FormVote, InvalidFields> =>
  Effect.map(parseForm(body), (fields) => {
    const key = fields.get("key") ?? ""
    return {
      fields,
      choice: formChoice(fields, poll),
      key: isIdempotencyKey(key) ? key : undefined,
      token: fields.get("token")?.trim() || undefined
    }
  })

/**
 * Whether a form is, or may be, another site's: a form needs no leave to post to us, as JSON does, and must not vote for
 * whoever looks at a page somewhere else. Browsers say where a form is from in `Sec-Fetch-Site` or, over plain HTTP and the older
 * ones, in `Origin` (`null` where they hide it). Where a request has neither, a vote that has a voter is not taken.
 */
export const isForeign = ({ headers }: HttpServerRequest.HttpServerRequest, { identity }: Poll): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  const { host, origin } = headers
  return origin === undefined ? identity !== "anyone" : !isOrigin(origin, host)
}

/** Whether a host and port, as in the header `Host`, are those of an origin. */
const isOrigin = (origin: string, host: string | undefined): boolean => {
  if (host === undefined || !/^https?:/.test(origin) || !URL.canParse(origin)) return false
  const from = new URL(origin)
  // The port of the protocol may be there or be left out.
  const here = `${from.protocol}//${host}`
  return URL.canParse(here) && new URL(here).host === from.host
}

/** Returns the request as the API would have got it, with the token that the form carries. */
export const withToken = (
  request: HttpServerRequest.HttpServerRequest,
  token: string | undefined
): HttpServerRequest.HttpServerRequest =>
  token === undefined
    ? request
    : request.modify({ headers: Headers.set(request.headers, "authorization", `Bearer ${token}`) })

type Refusal = Problem & { readonly _tag: string }

/** Returns what is wrong with the token that a form has sent, or has not, if that is why its vote is refused. */
export const tokenRefusal = ({ _tag }: Refusal, { identity }: Poll, token: string | undefined): string | undefined => {
  if (!takesToken(identity) || (_tag !== "Unauthorized" && _tag !== "Forbidden")) return undefined
  return tokenTrouble[identity][token === undefined ? "missing" : "bad"]
}

/** Returns why a vote in a poll is refused otherwise, in the page's words. */
export const explainRefusal = (problem: Refusal): string => {
  switch (problem._tag) {
    case "HasVoted":
      return vote.notTaken(trouble.voted)
    case "InvalidFields":
      // The form's key: the reader went back to a page that had sent a vote. The next page has a new one.
      return trouble.again
    case "PollNotOpen":
      return problem.retryAfter === undefined ? vote.notTaken(trouble.closed) : trouble.changingNow
    case "ChallengeUnsolved":
      return challenge.needsScript
    case "Unavailable":
      return trouble.unavailable
    default:
      return vote.notTaken(problem.detail ?? trouble.unknown)
  }
}
