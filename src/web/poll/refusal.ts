import type { Problem } from "../http.ts"
import { trouble } from "../words.ts"

/** Says why a vote was refused, in the page's own words where it has any. */
export const explainRefusal = ({ detail, status, type }: Problem, open: boolean, hasToken: boolean): string => {
  if (type.endsWith(":has-voted")) return trouble.voted
  // A token is good only while its poll is open, so a 403 may mean no more than that the poll is closed.
  if (status === 409 || !open) return trouble.closed
  if (status === 401 || status === 403) return hasToken ? trouble.badToken : trouble.token
  return detail || trouble.unknown
}
