import type { HttpSettings } from "../HttpSettings.ts"
import { makeMemory } from "../Memory.ts"
import { isSecure, type SentHeaders } from "../Origin.ts"
import { isSigned, type Sign } from "./Signatures.ts"

const name = "tallykeep_voter"

/** A year, in s. */
const age = 31_536_000

type Request = { readonly headers: SentHeaders }

/** The cookie that a browser is known by as a voter. */
export interface VoterCookie {
  /**
   * Returns the voter's id in a request's cookie; undefined where there is none that we have signed. `refused` hears of one with
   * our name and a wrong signature.
   */
  read(request: Request, refused: () => void): string | undefined
  /** Returns the value of `Set-Cookie` that gives a request's browser this id. */
  write(request: Request, id: string): string
}

/**
 * Makes the cookie; each of `signatures` returns a signature of an id that is right, the first that of new cookies. Where the request came by HTTPS, its name begins with `__Host-`: no
 * other host, such as one beside ours under the same domain, can set a cookie of that name for us, and no other name counts.
 */
export const makeVoterCookie = (
  proxies: Pick<HttpSettings["Service"], "production" | "trustProxy">,
  signatures: ReadonlyArray<Sign>
): VoterCookie => {
  const known = makeMemory<true>()
  const verify = (value: string): string | undefined => {
    const [id = "", ...rest] = value.split(".")
    const right = known(`cookie ${value}`, () => isSigned(id, rest.join("."), signatures) || undefined)
    return right && id !== "" ? id : undefined
  }

  return {
    // Of several cookies of one name, the one of the shortest path comes last: ours, whose path is the whole site.
    read: (request, refused) => {
      const start = `${isSecure(request, proxies) ? "__Host-" : ""}${name}=`
      let known: string | undefined
      let wrong = false
      for (const pair of (request.headers.cookie?.toString() ?? "").split(";")) {
        const trimmed = pair.trim()
        if (!trimmed.startsWith(start)) continue
        const id = verify(trimmed.slice(start.length))
        if (id === undefined) wrong = true
        else known = id
      }
      if (wrong) refused()
      return known
    },
    write: (request, id) => {
      const secure = isSecure(request, proxies)
      const value = `${secure ? "__Host-" : ""}${name}=${id}.${signatures[0]?.(id) ?? ""}`
      return `${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`
    }
  }
}
