import type { Answer } from "./answers.ts"

const always: ReadonlyArray<readonly [string, RegExp]> = [
  ["x-frame-options", /^DENY$/],
  ["x-content-type-options", /^nosniff$/],
  ["content-security-policy", /^default-src 'self'/],
  ["x-xss-protection", /^1; mode=block$/],
  ["referrer-policy", /^strict-origin-when-cross-origin$/],
  ["strict-transport-security", /^max-age=31536000$/]
]

/** Of a stack, of a file of ours, or of a server behind us. */
const innards = /\n\s+at |node:internal|\/dist\/|\.ts:\d|ECONNREFUSED|SqlError|PostgresError|ReplyError/

const problem = "application/problem+json"

/** Returns what is wrong with an answer, whatever was asked. */
export const complaint = ({ body, headers, status }: Answer, method: string): string | undefined => {
  if (status >= 500 && status !== 503) return `status ${status}`
  if ((status === 503 || status === 429) && !/^\d+$/.test(headers["retry-after"] ?? ""))
    return `${status} without Retry-After`
  const missing = always.filter(([name, value]) => !value.test(headers[name] ?? ""))
  if (missing.length > 0) return `no ${missing.map(([name]) => name).join(", ")}`
  if (headers.server !== undefined || headers["x-powered-by"] !== undefined) return "it says what it runs on"
  const type = (headers["content-type"] ?? "").split(";")[0]
  if (type === "text/html" && /<zq7|<script>alert/.test(body.toString("utf8"))) return "the client's HTML in a page"
  if (status < 400 || method === "HEAD") return undefined
  const text = body.toString("utf8")
  if (innards.test(text)) return "what is inside in an error"
  // Browsers get words.
  if (type === "text/html" || type === "text/plain") return undefined
  if (type !== problem) return `an error as ${type}`
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== "object" || parsed === null || Reflect.get(parsed, "status") !== status) return "no problem"
  return /[<>]/.test(text) ? "the client's HTML in a problem" : undefined
}

/** Returns the id of the vote that an answer confirms; undefined where it confirms none. */
export const acceptedVote = ({ body, headers, status }: Answer): string | undefined => {
  if (status === 303) return /[?&]vote_id=([\da-f-]{36})/.exec(headers.location ?? "")?.[1]
  if (status !== 201 || headers.location?.startsWith("/api/votes/") !== true) return undefined
  const receipt: unknown = JSON.parse(body.toString("utf8"))
  const id: unknown = typeof receipt === "object" && receipt !== null ? Reflect.get(receipt, "vote_id") : undefined
  return typeof id === "string" ? id : undefined
}
