import type { FieldError } from "../domain/FieldError.ts"
import { solutionHeader } from "../domain/SolutionHeader.ts"

/** Why the service refused a request, as far as the pages need to know. */
export interface Problem {
  readonly type: string
  readonly status: number
  readonly detail: string
  /** The fields that are wrong. */
  readonly fields: ReadonlyArray<FieldError>
}

/** What the head of an answer says. */
export interface AnswerHead {
  /** When it was given, in ms since 1970: by the time that polls close by where it says that, else to a second; undefined where it says neither. */
  readonly at: number | undefined
  /** The tag of the body, if it has one. */
  readonly etag: string | undefined
  /** When the same request may succeed, in ms from now; undefined where it does not say. */
  readonly retryAfter: number | undefined
}

export type Answer<A> =
  | { readonly kind: "ok"; readonly body: A; readonly head: AnswerHead }
  | { readonly kind: "problem"; readonly problem: Problem; readonly head: AnswerHead }
  /** No answer, or none yet. `retryAfter` is in ms, where the service says when to try again. */
  | { readonly kind: "away"; readonly network: boolean; readonly retryAfter?: number | undefined }

export interface Ask {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE"
  readonly body?: unknown
  readonly token?: string | undefined
  readonly key?: string
  /** The tag of what is changed, so that only that is. */
  readonly ifMatch?: string | undefined
  /** Asks the service itself, whatever the browser has kept of its last answer. */
  readonly fresh?: boolean
  /** The solution of the poll's challenge. */
  readonly solution?: string | undefined
}

/** The longest wait for an answer, in ms. */
const patience = 15_000

/** Statuses that are not about the request itself: the same request may succeed a little later. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504])

/** Whether a value has fields. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const toProblem = (status: number, body: unknown): Problem => {
  const { detail, errors, title, type } = isRecord(body) ? body : {}
  const fields = Array.isArray(errors) ? errors.filter(isRecord) : []
  return {
    status,
    type: text(type),
    detail: text(detail) || text(title),
    fields: fields.map((field) => ({ pointer: text(field.pointer), detail: text(field.detail) }))
  }
}

const headOf = ({ headers }: Response): AnswerHead => {
  const at = Number(headers.get("poll-time") ?? Date.parse(headers.get("date") ?? ""))
  const seconds = Number(headers.get("retry-after"))
  return {
    at: Number.isNaN(at) ? undefined : at,
    etag: headers.get("etag") ?? undefined,
    retryAfter: seconds > 0 ? seconds * 1000 : undefined
  }
}

/** Sends a request to the service. The body of a good answer is trusted to be what the API's description says. */
export const ask = async <A>(
  path: string,
  { body, fresh, ifMatch, key, method = "GET", solution, token }: Ask = {}
): Promise<Answer<A>> => {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), patience)
  try {
    const response = await fetch(path, {
      method,
      ...(fresh ? { cache: "no-cache" } : {}),
      signal: abort.signal,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
        ...(solution === undefined ? {} : { [solutionHeader]: solution })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const head = headOf(response)
    if (passing.has(response.status)) return { kind: "away", network: false, retryAfter: head.retryAfter }
    const json: unknown = response.status === 204 ? undefined : await response.json()
    return response.ok
      ? { kind: "ok", body: json as A, head }
      : { kind: "problem", problem: toProblem(response.status, json), head }
  } catch {
    return { kind: "away", network: true }
  } finally {
    clearTimeout(timer)
  }
}
