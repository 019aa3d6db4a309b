import type { Answer } from "./wire.ts"

/** Returns of an answer what two servers must have in common: all but what is minted anew for each vote or page, and the time. */
export const comparable = ({ body, headers, status }: Answer) => {
  const {
    date: _,
    location,
    "poll-time": time,
    ratelimit,
    "retry-after": wait,
    "set-cookie": cookie,
    ...rest
  } = headers
  const minted = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g
  const limit = ratelimit?.replace(/t=\d+$/, "t=…")
  // And where a page was asked for, which it names.
  const pageOwn = /(?<=data-now="|data-voter="|name="key" value=")[^"]+(?=")|(?<=127\.0\.0\.1:)\d+/g
  const written = { location: location?.replace(minted, "…"), body: body.replace(minted, "…").replace(pageOwn, "…") }
  // The id and the signature of a new voter.
  const made = cookie?.replace(/=[^;]+/, "=…")
  const [told, again] = [time, wait].map((number) => number?.replace(/^\d+$/, "…"))
  return { status, headers: rest, cookie: made, limit, time: told, again, ...written }
}
