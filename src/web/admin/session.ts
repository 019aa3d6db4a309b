import type { FieldError } from "../../domain/FieldError.ts"
import { type Answer, type Ask, ask } from "../http.ts"
import { admin } from "../words/deskWords.ts"

/** Sends a request as the admin. */
export type AdminAsk = <A>(path: string, options?: Ask) => Promise<Answer<A>>

/** Makes what asks with the token; `refused` is called where the service does not accept it any more. */
export const withToken =
  (token: string, refused: () => void): AdminAsk =>
  async (path, options) => {
    const answer = await ask<never>(path, { ...options, token })
    if (answer.kind === "problem" && answer.problem.status === 401) refused()
    return answer
  }

/** Returns in words why the service does not accept the token; undefined if it does. */
export const checkToken = async (token: string): Promise<string | undefined> => {
  // If the token is good, the service refuses this poll for its missing fields.
  const answer = await ask("/api/polls", { method: "POST", body: {}, token })
  if (answer.kind === "away") return admin.away
  if (answer.kind === "ok" || answer.problem.status === 422) return undefined
  return answer.problem.status === 403 ? admin.off : admin.badToken
}

/** Returns in words what went wrong, with a line for each wrong field that `told` does not take. */
export const explain = (
  answer: Exclude<Answer<unknown>, { kind: "ok" }>,
  told: (error: FieldError) => boolean = () => false
): string => {
  if (answer.kind === "away") return admin.away
  const { detail, fields } = answer.problem
  const lines = fields
    .filter((error) => !told(error))
    .map((error) => `${error.pointer.replace(/^#\/?/, "")} ${error.detail}`.trim())
  return [detail, ...lines].filter((line) => line !== "").join("\n")
}
