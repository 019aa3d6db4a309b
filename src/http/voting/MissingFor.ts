import type { Poll } from "../../domain/Poll.ts"
import { Forbidden } from "../../domain/Problems.ts"
import type { HttpSettings } from "../HttpSettings.ts"

/** Returns why this service can't tell a poll's voters apart or challenge them; undefined where it can. */
export const missingFor = (
  { challenge, identity }: Pick<Poll, "challenge" | "identity">,
  { jwksUrl, voterSecrets }: Pick<HttpSettings["Service"], "jwksUrl" | "voterSecrets">
): Forbidden | undefined => {
  if ((identity !== "anyone" || challenge !== undefined) && voterSecrets.length === 0) return noSecret
  return identity === "provider" && jwksUrl === undefined ? noProvider : undefined
}

const noSecret = new Forbidden({
  detail: "This service has no VOTER_SECRET, which polls with voters or a challenge need"
})

const noProvider = new Forbidden({
  detail: "This service has no JWKS_URL, which polls for an identity provider's users need"
})
