import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { FieldError } from "./FieldError.ts"
import { reasonOf } from "./ReasonOf.ts"

export { FieldError }

/*
 * What can go wrong with a request, as RFC 9457 problems: each with its HTTP status and its data.
 * `type` names a problem that a client may want to tell from others of the same status.
 */

const name = (problem: string) => `urn:tallykeep:problem:${problem}` as const

export class Malformed extends HttpApiError.Problem<Malformed>()("Malformed", {
  type: "about:blank",
  status: 400,
  title: "Bad Request"
}) {}

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: "about:blank",
  status: 404,
  title: "Not Found"
}) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: "about:blank",
  status: 405,
  title: "Method Not Allowed"
}) {}

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: name("unauthorized"),
  status: 401,
  title: "Unauthorized"
}) {
  /** Whether a token came with the request, and is not valid; the answer's `WWW-Authenticate` says so. */
  hasInvalidToken = false

  static invalidToken(detail: string): Unauthorized {
    return Object.assign(new Unauthorized({ detail }), { hasInvalidToken: true })
  }
}

export class Forbidden extends HttpApiError.Problem<Forbidden>()("Forbidden", {
  type: name("forbidden"),
  status: 403,
  title: "Forbidden"
}) {}

/** The vote came without a solution of the poll's challenge, or with one that is of no use. */
export class ChallengeUnsolved extends HttpApiError.Problem<ChallengeUnsolved>()("ChallengeUnsolved", {
  type: name("challenge"),
  status: 403,
  title: "Forbidden"
}) {}

/** The poll shows its results later, or to others. */
export class ResultsHidden extends HttpApiError.Problem<ResultsHidden>()("ResultsHidden", {
  type: name("results-hidden"),
  status: 403,
  title: "Forbidden"
}) {}

/** The poll has closed, or is not open yet. */
export class PollNotOpen extends HttpApiError.Problem<PollNotOpen>()("PollNotOpen", {
  type: name("poll-not-open"),
  status: 409,
  title: "Conflict"
}) {
  /** In how many s it goes on, where it is closed for a moment only. */
  retryAfter: number | undefined

  static forNow(seconds: number): PollNotOpen {
    const detail = `The poll is being changed: try again in ${seconds} s`
    return Object.assign(new PollNotOpen({ detail }), { retryAfter: seconds })
  }
}

/** The voter's first vote counts, and has been cast. */
export class HasVoted extends HttpApiError.Problem<HasVoted>()("HasVoted", {
  type: name("has-voted"),
  status: 409,
  title: "Conflict"
}) {}

export class PollExists extends HttpApiError.Problem<PollExists>()("PollExists", {
  type: name("poll-exists"),
  status: 409,
  title: "Conflict"
}) {}

/** The poll has come so far that this can't be done with it any more, or not yet. */
export class Unchangeable extends HttpApiError.Problem<Unchangeable>()("Unchangeable", {
  type: name("unchangeable"),
  status: 409,
  title: "Conflict"
}) {}

/** The poll has changed since the version that the request is based on. */
export class Stale extends HttpApiError.Problem<Stale>()("Stale", {
  type: name("stale"),
  status: 412,
  title: "Precondition Failed"
}) {}

/** The request has to say which version of the poll it is based on. */
export class VersionMissing extends HttpApiError.Problem<VersionMissing>()("VersionMissing", {
  type: name("version-missing"),
  status: 428,
  title: "Precondition Required"
}) {}

export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: "about:blank",
  status: 413,
  title: "Content Too Large"
}) {
  /** `limit` in bytes. */
  static over(limit: number): BodyTooLarge {
    return new BodyTooLarge({ detail: `Request body too large. Maximum size: ${limit} bytes` })
  }
}

export class UnsupportedMediaType extends HttpApiError.Problem<UnsupportedMediaType>()("UnsupportedMediaType", {
  type: "about:blank",
  status: 415,
  title: "Unsupported Media Type"
}) {}

export class InvalidFields extends HttpApiError.Problem<InvalidFields>()(
  "InvalidFields",
  { type: name("invalid-fields"), status: 422, title: "Unprocessable Content" },
  { errors: Schema.Array(FieldError) }
) {}

export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()("TooManyRequests", {
  type: name("rate-limit"),
  status: 429,
  title: "Too Many Requests"
}) {}

export class InternalError extends HttpApiError.Problem<InternalError>()("InternalError", {
  type: "about:blank",
  status: 500,
  title: "Internal Server Error"
}) {}

/** What an answer tells of a failure of ours: nothing but that. */
export const internalError = new InternalError({ detail: "The request failed here; the log of the service says why" })

/** A part that the answer needs is away; `Retry-After` says when to ask again. */
export class Unavailable extends HttpApiError.Problem<Unavailable>()("Unavailable", {
  type: name("unavailable"),
  status: 503,
  title: "Service Unavailable"
}) {}

/** Any problem: what an answer tells of one. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string | undefined
  readonly errors?: ReadonlyArray<FieldError> | undefined
  readonly hasInvalidToken?: boolean
  /** In s, where it passes. */
  readonly retryAfter?: number | undefined
}

export const isProblem = (error: unknown): error is Problem =>
  error instanceof Error && "type" in error && "title" in error && "status" in error

/** Redis or PostgreSQL did not do what was asked of it; `cause` is the driver's own error. */
export class OutOfService extends Schema.TaggedError<OutOfService>()("OutOfService", {
  part: Schema.Literals(["redis", "database"]),
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.part} is out of service: ${reasonOf(this.cause)}`
  }
}
