import { slugPattern } from "../../domain/OptionIds.ts"
import type { Poll } from "../../domain/Poll.ts"
import { PollStatus } from "../../domain/PollStatus.ts"
import { toView } from "../../domain/PollView.ts"
import { type FieldError, InvalidFields } from "../../domain/Problems.ts"
import { etagOf } from "../ETag.ts"
import type { PollCache } from "./PollCache.ts"

/** How many polls a page has unless asked otherwise, and at most. */
export const defaultLimit = 100
export const maxLimit = 1_000

/** What the admin can look for by `status`. */
export const searchable: ReadonlyArray<string> = [...PollStatus.literals, "archived"]

/** How many pages are kept; clients choose where theirs begin. */
const kept = 100

/** A page of the list of polls, as it is sent. */
export interface PollPage {
  readonly body: string
  readonly etag: string
}

/** Which page a request is for: at most `limit` polls, those after the poll `after`, if any. */
export interface PageQuery {
  readonly limit: number
  readonly after: string | undefined
  /** What the admin looks for. */
  readonly text: string
  readonly status: string | undefined
}

interface GivenQuery {
  readonly limit?: string
  readonly cursor?: string
  readonly q?: string
  readonly status?: string
}

const wrongCursor: FieldError = { pointer: "#/cursor", detail: "must be the `next` of a page" }

const invalid = (errors: ReadonlyArray<FieldError>) =>
  new InvalidFields({ detail: "The query does not name a page of the list", errors })

/** There is no poll that a cursor stands for. */
export const invalidCursor = invalid([wrongCursor])

/** Reads which page a query asks for. A cursor is the slug of the last poll of a page, which newer polls don't move. */
export const parsePageQuery = (
  { cursor, limit = String(defaultLimit), q = "", status }: GivenQuery,
  isAdmin: boolean
): PageQuery | InvalidFields => {
  const asked = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  const after = cursor === undefined ? undefined : Buffer.from(cursor, "base64url").toString()
  const errors: Array<FieldError> = []
  if (asked < 1 || asked > maxLimit) {
    errors.push({ pointer: "#/limit", detail: `must be a whole number from 1 to ${maxLimit}` })
  }
  if (after !== undefined && !slugPattern.test(after)) errors.push(wrongCursor)
  if (q.length > 200) errors.push({ pointer: "#/q", detail: "must have at most 200 characters" })
  else if (q !== "" && !isAdmin) errors.push({ pointer: "#/q", detail: "needs the admin's token" })
  if (status !== undefined && !searchable.includes(status)) {
    errors.push({ pointer: "#/status", detail: `must be one of ${searchable.join(", ")}` })
  } else if (status !== undefined && !isAdmin) {
    errors.push({ pointer: "#/status", detail: "needs the admin's token" })
  }
  return errors.length > 0 ? invalid(errors) : { limit: asked, after, text: q.trim(), status }
}

/** Returns a page as it is sent, of which `found` has one poll more where there is a next one. */
export const makePage = (found: ReadonlyArray<Poll>, limit: number, now: number): PollPage => {
  const polls = found.slice(0, limit)
  const last = found.length > limit ? polls.at(-1) : undefined
  const next = last && Buffer.from(last.slug).toString("base64url")
  const body = JSON.stringify({ polls: polls.map((poll) => toView(poll, now)), next })
  return { body, etag: etagOf(body) }
}

/**
 * Makes the pages of the list of polls that anyone sees, each once for each reading of the polls and each second, since the
 * status of a poll changes with the time.
 */
export const makePollPages = ({ all }: Pick<PollCache["Service"], "all">) => {
  let pages = new Map<string, PollPage>()
  let read: ReadonlyArray<Poll> = []
  let second = 0

  /** Returns the page as of `now`, in ms since 1970. The poll that it comes after has to be there, and need not be listed any more. */
  return (query: PageQuery, now: number): PollPage => {
    const nowSecond = Math.floor(now / 1000)
    if (read !== all() || second !== nowSecond) {
      read = all()
      second = nowSecond
      pages = new Map()
    }
    const name = `${query.limit} ${query.after ?? ""}`
    const known = pages.get(name)
    if (known !== undefined) return known
    const from = query.after === undefined ? 0 : read.findIndex(({ slug }) => slug === query.after) + 1
    const listed = read.slice(from).filter((poll) => poll.listed && !poll.archived)
    const page = makePage(listed.slice(0, query.limit + 1), query.limit, now)
    if (pages.size < kept) pages.set(name, page)
    return page
  }
}
