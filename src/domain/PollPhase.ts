/*
 * When a poll takes votes, by its times. Apart from `PollStatus.ts`, whose schema the pages do without.
 */

/** The times that say when a poll takes votes, as in `Poll`. */
export interface OpenTimes {
  readonly opensMs?: number | undefined
  readonly closesMs?: number | undefined
  readonly shut?: ReadonlyArray<readonly [fromMs: number, toMs: number]> | undefined
}

/** Returns until when a poll that has opened is closed in between at a time, both in ms; undefined where it is not. */
export const shutUntil = ({ opensMs = 0, shut }: OpenTimes, ms: number): number | undefined =>
  shut?.find(([from, to]) => ms >= from && ms < to && opensMs < to)?.[1]

/** Returns whether a vote accepted at a time is in the poll's time; the same however long that is ago. */
export const pollPhase = (times: OpenTimes, ms: number): "before" | "open" | "after" => {
  const { closesMs, opensMs } = times
  if (closesMs !== undefined && ms >= closesMs) return "after"
  if (opensMs !== undefined && ms < opensMs) return "before"
  return shutUntil(times, ms) === undefined ? "open" : "before"
}

/** The status of a poll in each phase, as long as its result is not final. */
export const phaseStatus = { before: "upcoming", open: "open", after: "counting" } as const
