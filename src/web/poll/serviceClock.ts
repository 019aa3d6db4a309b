/** The clock that polls open and close by, as far as the page can tell: the reader's own may be wrong by hours or days. */
export interface ServiceClock {
  /** Returns the service's time, in ms since 1970. */
  now(): number
  /** Hears when the service gave an answer that has just come, by its time, in ms since 1970. */
  hear(answeredAt: number): void
}

const navigation = (): PerformanceNavigationTiming | undefined => {
  const [entry] = performance.getEntriesByType("navigation")
  return entry instanceof PerformanceNavigationTiming ? entry : undefined
}

/** Whether the page may be one that the browser has kept since an earlier visit, with the time that it was then. */
export const isOldPage = (): boolean => navigation()?.type === "back_forward"

/** How old an answer may be that has just come, in ms: something in between may have kept it for a while. */
const oldest = 10_000

/**
 * Makes the clock from the service's time in the page, which was written when the page's first bytes came. It goes on from
 * there by the browser's stopwatch, which nobody sets, but which may stand still while the machine sleeps. So it is corrected
 * by answers: the service's time can't be before that of an answer, nor long after it.
 */
export const makeServiceClock = (writtenAt: number): ServiceClock => {
  let offset = writtenAt - (navigation()?.responseStart ?? performance.now())
  return {
    now: () => performance.now() + offset,
    hear: (answeredAt) => {
      const earliest = answeredAt - performance.now()
      if (offset < earliest || offset > earliest + oldest) offset = earliest
    }
  }
}
