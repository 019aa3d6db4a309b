import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Problem } from "../domain/Problems.ts"

/** Characters that mean something in HTML, as JSON escapes: harmless even where a client shows the body as a page. */
const escapeHtml = (json: string): string => json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)

/** The body of a problem, `instance` being the path asked for. */
export const problemBody = (problem: Problem, instance: string): string => {
  const { detail, errors, status, title, type } = problem
  return escapeHtml(JSON.stringify({ type, title, status, detail, instance, errors }))
}

/** A problem as a response: `application/problem+json`. */
export const problemResponse = (
  problem: Problem,
  url: string,
  headers?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => {
  const query = url.indexOf("?")
  return HttpServerResponse.text(problemBody(problem, query < 0 ? url : url.slice(0, query)), {
    status: problem.status,
    contentType: "application/problem+json",
    headers: { "cache-control": "no-store", ...headers }
  })
}

/** A problem for whoever asked: a browser that wants a page, as after a form was sent, gets its words and no JSON. */
export const problemFor = (
  request: HttpServerRequest.HttpServerRequest,
  problem: Problem,
  headers?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  request.headers.accept?.includes("text/html")
    ? HttpServerResponse.text(problem.detail ?? problem.title, {
        status: problem.status,
        contentType: "text/plain; charset=utf-8",
        headers: { "cache-control": "no-store", ...headers }
      })
    : problemResponse(problem, request.url, headers)

/** The headers that belong to a refusal by its status: when to try again, how to say who one is. */
export const refusalHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { "www-authenticate": "Bearer" },
  503: { "retry-after": "1" }
}

/** A problem with the headers that its status asks for. */
export const refusalResponse = (problem: Problem, url: string): HttpServerResponse.HttpServerResponse =>
  problemResponse(problem, url, refusalHeaders[problem.status])
