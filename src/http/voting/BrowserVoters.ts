import { randomUUID } from "node:crypto"
import { Clock, Effect } from "effect"
import { elapsedMs } from "../../Elapsed.ts"
import { Defences } from "../Defences.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { makeRateLimiter } from "../RateLimiter.ts"
import type { Sender } from "./Sender.ts"
import type { Sign } from "./Signatures.ts"
import { makeVoterCookie } from "./VoterCookie.ts"

/** The voters of polls where a browser is one. */
export interface BrowserVoters {
  /** Returns the id in a request's cookie; undefined where there is none that is right. */
  idIn(request: Sender): string | undefined
  /** Takes a new voter off the allowance of a request's address; returns whether there was one left. */
  mayBeNew(request: Sender): boolean
  /** Makes the id of a new voter, and the cookie that a request's browser is known by from now on. */
  make(request: Sender): { readonly id: string; readonly setCookie: string }
}

/** Finds and makes the voters that are known by a cookie; each of `signatures` signs an id, the first in new cookies. */
export const makeBrowserVoters = Effect.fnUntraced(function* (signatures: ReadonlyArray<Sign>) {
  const settings = yield* HttpSettings
  const { newVoterLimit, trustProxy } = settings
  const { report } = yield* Defences
  const clock = yield* Clock.Clock
  const cookie = makeVoterCookie(settings, signatures)
  /** Node's requests whose cookie was refused: a page's is read for the results on it, and again for its reader. */
  const refused = new WeakSet<object>()
  const newVoters = newVoterLimit && makeRateLimiter(newVoterLimit, trustProxy, "new voters")

  const voters: BrowserVoters = {
    idIn: (request) =>
      cookie.read(request, () => {
        if (!refused.has(request.source)) report("cookies", request.peer)
        refused.add(request.source)
      }),
    mayBeNew: (request) => {
      const peer = request.peer ?? "unknown"
      const forwarded = request.headers["x-forwarded-for"]?.toString()
      const left = newVoters?.(peer, forwarded, elapsedMs(clock)).refusal === undefined
      if (!left) report("new_voters", peer)
      return left
    },
    make: (request) => {
      const id = randomUUID()
      return { id, setCookie: cookie.write(request, id) }
    }
  }
  return voters
})
