import { forwardedBy } from "./ClientAddress.ts"
import type { HttpSettings } from "./HttpSettings.ts"

/** The headers of a request, as Node has them or Effect. */
export type SentHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

type Request = { readonly headers: SentHeaders }
type Proxies = Pick<HttpSettings["Service"], "production" | "trustProxy">

/** Returns whether a request came by HTTPS, which only our own proxies can tell; in production, all do. */
export const isSecure = ({ headers }: Request, { production, trustProxy }: Proxies): boolean =>
  production || (trustProxy > 0 && forwardedBy(headers["x-forwarded-proto"]?.toString() ?? "", trustProxy) === "https")

/** A name or an address, and a port if there is one: nothing that could end an attribute or begin a path. */
const hostPattern = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/**
 * Returns the origin that a request was sent to, such as `https://vote.example`; undefined where its `Host` is none. Whoever sends
 * the request chooses it: it goes into no answer that is kept for others.
 */
export const originOf = (request: Request, proxies: Proxies): string | undefined => {
  const host = request.headers.host?.toString()
  if (host === undefined || !hostPattern.test(host)) return undefined
  return `${isSecure(request, proxies) ? "https" : "http"}://${host.toLowerCase()}`
}
