import type { PollView } from "../../domain/PollView.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import type { Problem } from "../http.ts"
import { challenge, tokenTrouble, trouble } from "../words.ts"

interface Voting {
  readonly identity: PollView["identity"]
  readonly open: boolean
  readonly hasToken: boolean
}

/** Says why a vote was refused, in the page's own words where it has any. */
export const explainRefusal = ({ detail, status, type }: Problem, { hasToken, identity, open }: Voting): string => {
  if (type.endsWith(":has-voted")) return trouble.voted
  // A token is good only while its poll is open, so a 403 may mean no more than that the poll is closed.
  if (status === 409 || !open) return trouble.closed
  if (type.endsWith(":challenge")) return challenge.refused
  if ((status === 401 || status === 403) && takesToken(identity))
    return tokenTrouble[identity][hasToken ? "bad" : "missing"]
  if (status === 404) return trouble.gone
  return detail || trouble.unknown
}
