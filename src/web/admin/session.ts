import type { FieldError } from "../../domain/FieldError.ts"
import { type Answer, type Ask, ask } from "../http.ts"
import { makeServiceClock } from "../poll/serviceClock.ts"
import { admin } from "../words/deskWords.ts"

/** Sends requests as the admin. */
export interface AdminAsk {
  <A>(path: string, options?: Ask): Promise<Answer<A>>
  /** Returns the service's time, in ms since 1970, as its answers tell it: the organiser's own clock may be wrong. */
  readonly now: () => number
}

/** Makes what asks with the token; `refused` is called where the service does not accept it any more. */
export const withToken = (token: string, refused: () => void): AdminAsk => {
  const clock = makeServiceClock(performance.timeOrigin)
  const asAdmin = async <A>(path: string, options?: Ask): Promise<Answer<A>> => {
    const answer = await ask<A>(path, { ...options, token })
    if (answer.kind !== "away" && answer.head.at !== undefined) clock.hear(answer.head.at)
    if (answer.kind === "problem" && answer.problem.status === 401) refused()
    return answer
  }
  return Object.assign(asAdmin, { now: clock.now })
}

/** Returns in words why the service does not accept the token; undefined if it does. */
export const checkToken = async (token: string): Promise<string | undefined> => {
  // If the token is good, the service refuses this poll for its missing fields.
  const answer = await ask("/api/polls", { method: "POST", body: {}, token })
  if (answer.kind === "away") return admin.missed
  if (answer.kind === "ok" || answer.problem.status === 422) return undefined
  return answer.problem.status === 403 ? admin.off : admin.badToken
}

/** Returns in words what went wrong, with a line for each wrong field that `told` does not take. */
export const explain = (
  answer: Exclude<Answer<unknown>, { kind: "ok" }>,
  told: (error: FieldError) => boolean = () => false
): string => {
  if (answer.kind === "away") return admin.missed
  const { detail, fields } = answer.problem
  const lines = fields
    .filter((error) => !told(error))
    .map((error) => `${error.pointer.replace(/^#\/?/, "")} ${error.detail}`.trim())
  return [detail, ...lines].filter((line) => line !== "").join("\n")
}
