import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Problem } from "../domain/Problems.ts"
import { pathOf } from "./RequestPath.ts"

/** An answer as it is sent. The app makes a response of it; the lane writes it to Node's. */
export interface PlainAnswer {
  readonly status: number
  readonly contentType: string
  /** Headers besides the content's type and length, by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Makes a response of an answer, with further headers. */
export const toResponse = (
  { body, contentType, headers, status }: PlainAnswer,
  more?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, {
    status,
    contentType,
    headers: more === undefined ? headers : { ...headers, ...more }
  })

const noStore = { "cache-control": "no-store" }

/** The headers of a refusal that tell when to try again, by its status. */
const headersByStatus: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  429: { ...noStore, "retry-after": "1" },
  503: { ...noStore, "retry-after": "1" }
}

/** Returns the headers that an answer of this status carries and that nobody may keep. */
export const headersOfStatus = (status: number): Readonly<Record<string, string>> => headersByStatus[status] ?? noStore

/** Returns how to sign in, as RFC 6750 has it: an error is told only to who sent a token. */
const challengeOf = ({ detail = "", hasInvalidToken = false }: Problem): string =>
  hasInvalidToken
    ? `Bearer realm="tallykeep", error="invalid_token", error_description="${detail.replace(/["\\]/g, "'")}"`
    : 'Bearer realm="tallykeep"'

/** Returns the headers of a refusal that tell what to do about it: how to sign in, when to try again. */
export const headersOf = (problem: Problem): Readonly<Record<string, string>> => {
  if (problem.status === 401) return { ...noStore, "www-authenticate": challengeOf(problem) }
  const headers = headersOfStatus(problem.status)
  return problem.retryAfter === undefined ? headers : { ...headers, "retry-after": String(problem.retryAfter) }
}

/** Characters that mean something in HTML become JSON escapes: harmless even where a client shows the body as a page. */
const escapeHtml = (json: string): string => json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)

/** Returns an RFC 9457 problem as an answer to a request for `url`. */
export const problemAnswer = (problem: Problem, url: string): PlainAnswer => {
  const { detail, errors, status, title, type } = problem
  return {
    status,
    contentType: "application/problem+json",
    headers: headersOf(problem),
    body: escapeHtml(JSON.stringify({ type, title, status, detail, instance: pathOf(url), errors }))
  }
}

/** Returns a problem as a response to a request for `url`. */
export const problemResponse = (
  problem: Problem,
  url: string,
  headers?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => toResponse(problemAnswer(problem, url), headers)

/** Returns a problem for whoever asked: a browser that wants a page, as after sending a form, gets words and no JSON. */
export const problemFor = (
  request: HttpServerRequest.HttpServerRequest,
  problem: Problem,
  headers?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => {
  const answer = problemAnswer(problem, request.url)
  return request.headers.accept?.includes("text/html")
    ? toResponse(
        { ...answer, contentType: "text/plain; charset=utf-8", body: problem.detail ?? problem.title },
        headers
      )
    : toResponse(answer, headers)
}
