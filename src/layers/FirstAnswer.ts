import { setTimeout as sleep } from "node:timers/promises"

/** How long a host may take, in ms, before the next one in the list is asked too: one may be a black hole. */
const headStart = 250

/**
 * Returns the first answer of several hosts; each gets a head start on the next. Those whose answer is not needed any more are
 * told so by their signal. Rejects with an AggregateError of all errors where none answers.
 */
export const firstAnswer = async <Host, A>(
  hosts: ReadonlyArray<Host>,
  signal: AbortSignal,
  ask: (host: Host, signal: AbortSignal) => Promise<A>
): Promise<A> => {
  const found = new AbortController()
  const either = AbortSignal.any([signal, found.signal])
  const asked = hosts.map(async (host, index) => {
    if (index > 0) await sleep(index * headStart, undefined, { signal: either })
    return ask(host, either)
  })
  try {
    return await Promise.any(asked)
  } finally {
    found.abort()
  }
}
