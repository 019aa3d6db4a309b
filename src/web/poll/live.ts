import type { Results } from "../../domain/Tally.ts"
import { ask } from "../http.ts"

export interface LiveEvents {
  readonly results: (results: Results) => void
  readonly hidden: () => void
  /** The poll is of this version. */
  readonly version: (version: number) => void
  /** There is no such poll any more. */
  readonly gone: () => void
  /** When the service gave an answer that has just come, by its clock, in ms since 1970. */
  readonly answered: (at: number) => void
  /** Whether the results can be reached. */
  readonly reachable: (yes: boolean) => void
}

export interface LiveOptions {
  /** The path of the results; their stream is below it. */
  readonly path: string
  readonly token?: string | undefined
  /** Whether the stream can bring the results: it can't where only the token shows them, which it does not carry. */
  readonly streamed: boolean
  /** Whether the results are known to be hidden still: then they are asked for only now and then, or by `refresh`. */
  readonly hidden: boolean
  /** Whether hidden results should be there by now. */
  readonly due: () => boolean
}

export interface Live {
  /** Asks for the results now. */
  refresh(): void
  stop(): void
}

/** How often to ask without a stream, and with a stream that is silent, in ms. */
const often = 2_000
const seldom = 20_000
/** How long to wait before a stream that has ended for good is tried again, in ms. */
const reopen = 30_000

/** How much the clock may gain on the page's stopwatch, which stands still while the machine sleeps, in ms. */
const nap = 5_000

/** Returns how far the clock is ahead of the page's stopwatch, in ms. */
const clockLead = (): number => Date.now() - performance.now()

/** Returns the ledger's epoch, with which an event's id and an answer's tag end. */
const epochIn = (text: string | undefined): string | undefined => /-(\w+)"?$/.exec(text ?? "")?.[1]

/**
 * Keeps results up to date by Server-Sent Events, which tell of the poll's version where the results are hidden. Where those fail,
 * or a proxy on the way holds them back (the stream seems open, but nothing comes), it asks every 2 s.
 */
export const watchResults = ({ due, path, streamed, token, ...options }: LiveOptions, events: LiveEvents): Live => {
  let { hidden } = options
  let source: EventSource | undefined
  let heardAt = Number.NEGATIVE_INFINITY
  // The stream begins with the present state, so there is no need to ask at once as well.
  let askedAt = streamed || hidden ? performance.now() : Number.NEGATIVE_INFINITY
  let openedAt = Number.NEGATIVE_INFINITY
  /** Whether the stream brings results, or tells of the poll while they are hidden. */
  let streaming = false
  let telling = false
  let gone = false
  let revision = -1
  /** The ledger that the revision is of. */
  let epoch: string | undefined
  let asking = false
  let lead = clockLead()

  const take = (results: Results, of: string | undefined): void => {
    events.reachable(true)
    // An older answer may come after a newer one. A ledger that was restored or made anew begins lower.
    if (results.revision < revision && (of === undefined || of === epoch)) return
    hidden = gone = false
    revision = results.revision
    epoch = of ?? epoch
    events.results(results)
    events.version(results.version)
  }

  const open = (): void => {
    openedAt = performance.now()
    source = new EventSource(`${path}/stream`)
    source.addEventListener("tally", (event) => {
      heardAt = performance.now()
      streaming = true
      take(JSON.parse(event.data), epochIn(event.lastEventId))
    })
    source.addEventListener("poll", (event) => {
      telling = true
      events.version(JSON.parse(event.data).version)
    })
    source.addEventListener("error", () => {
      streaming = telling = false
    })
  }

  /** Closes the stream, which the next tick may open again. */
  const close = (): void => {
    source?.close()
    streaming = telling = false
    openedAt = Number.NEGATIVE_INFINITY
  }

  const refresh = async (): Promise<void> => {
    if (asking) return
    asking = true
    askedAt = performance.now()
    const before = revision
    const answer = await ask<Results>(path, { token })
    asking = false
    if (answer.kind === "away") return events.reachable(false)
    if (answer.head.at !== undefined) events.answered(answer.head.at)
    if (answer.kind === "problem") {
      events.reachable(true)
      if (answer.problem.status === 403) {
        hidden = true
        events.hidden()
      } else if (answer.problem.status === 404) {
        gone = true
        events.gone()
      }
      return
    }
    // The stream was of who may not see them.
    if (hidden) close()
    const of = epochIn(answer.head.etag)
    const isNews = answer.body.revision > before || (of !== undefined && of !== epoch)
    // The stream should have brought this long ago: it is being held back.
    if (streaming && isNews && performance.now() - heardAt > often) streaming = false
    take(answer.body, of)
  }

  /** How long to wait after the last answer or event until the results are asked for, in ms. */
  const pause = (): number => {
    if (gone) return seldom
    if (!hidden) return streaming ? seldom : often
    return due() || !telling ? often : seldom
  }

  const tick = (): void => {
    if (document.hidden) return
    const now = performance.now()
    const slept = clockLead() - lead > nap
    lead = clockLead()
    // The stream's connection may be gone without a word, and so may the poll's time.
    if (slept) {
      close()
      void refresh()
    }
    const closed = source === undefined || source.readyState === EventSource.CLOSED
    if (closed && now - openedAt > reopen) open()
    if (now - Math.max(heardAt, askedAt) >= pause() - 50) void refresh()
  }

  // A browser has few connections for one site, so a page that nobody sees must not hold one.
  const onVisibility = (): void => {
    if (document.hidden) close()
    else tick()
  }
  document.addEventListener("visibilitychange", onVisibility)
  const timer = setInterval(tick, 500)
  tick()
  return {
    refresh,
    stop: () => {
      clearInterval(timer)
      document.removeEventListener("visibilitychange", onVisibility)
      source?.close()
    }
  }
}
