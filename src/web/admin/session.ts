import { type Answer, type Ask, ask } from "../http.ts"
import { admin } from "../words.ts"

/** What the page asks as the admin. The token is nowhere but in this closure. */
export type AdminAsk = <A>(path: string, options?: Ask) => Promise<Answer<A>>

export const withToken =
  (token: string): AdminAsk =>
  (path, options) =>
    ask(path, { ...options, token })

/** Whether the service takes the token; what is wrong, in words, where it does not. */
export const checkToken = async (token: string): Promise<string | undefined> => {
  // A poll without any field is refused for that, once the token is good.
  const answer = await ask("/api/polls", { method: "POST", body: {}, token })
  if (answer.kind === "away") return admin.away
  if (answer.kind === "ok" || answer.problem.status === 422) return undefined
  return answer.problem.status === 403 ? admin.off : admin.badToken
}

/** What went wrong, in words; the wrong fields, each in a line, where there are such. */
export const explain = (answer: Exclude<Answer<unknown>, { kind: "ok" }>): string =>
  answer.kind === "away"
    ? admin.away
    : [answer.problem.detail, ...answer.problem.fields].filter((line) => line !== "").join("\n")
