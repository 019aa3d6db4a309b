import type { HttpSettings } from "../HttpSettings.ts"
import { makeMemory } from "../Memory.ts"
import { isSecure, type SentHeaders } from "../Origin.ts"
import { isSigned, type Sign } from "./Signatures.ts"

const start = "tallykeep_voter="
const secureStart = `__Host-${start}`

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
  const known = makeMemory<string>()
  const verify = (value: string): string | undefined => {
    const text = `cookie ${value}`
    return known(text, () => {
      // Of the text: a part of the value would keep the whole header.
      const [id = "", ...rest] = text.slice("cookie ".length).split(".")
      return id !== "" && isSigned(id, rest.join("."), signatures) ? id : undefined
    })
  }
  const startFor = (request: Request): string => (isSecure(request, proxies) ? secureStart : start)

  return {
    // Of several cookies of one name, the one of the shortest path comes last: ours, whose path is the whole site.
    read: (request, refused) => {
      const start = startFor(request)
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
      const value = `${secure ? secureStart : start}${id}.${signatures[0]?.(id) ?? ""}`
      return `${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`
    }
  }
}
