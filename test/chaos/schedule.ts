import { makeRandom, shuffled } from "./random.ts"

/** Every kind of fault, in the words of the report. */
export const faultKinds = [
  "kill -9 of an API",
  "kill -9 of a consumer",
  "kill -9 of Redis",
  "immediate stop of PostgreSQL",
  "SIGTERM of an API",
  "SIGTERM of a consumer",
  "SIGSTOP of an API",
  "SIGSTOP of a consumer",
  "replies of Redis dropped",
  "replies of PostgreSQL dropped",
  "Redis slow",
  "PostgreSQL slow",
  "Redis unreachable",
  "PostgreSQL unreachable",
  "Redis half-open",
  "PostgreSQL half-open",
  "Redis demoted",
  "PostgreSQL demoted",
  "crash after the append",
  "crash after the commit",
  "crash at the public log"
] as const

/** The same, and one that costs votes where a 201 does not wait for a replica. */
export const failoverKinds = [...faultKinds, "Redis lost, replica promoted"] as const

export type FaultKind = (typeof failoverKinds)[number]

export interface Fault {
  readonly kind: FaultKind
  /** When it begins, in ms since the run's start. */
  readonly at: number
  /** What it hits and how large it is: from 0 up to 1, as a share of what there is to choose from. */
  readonly target: number
  readonly size: number
}

/** Between two faults, in ms. */
const shortestPause = 300
const longestPause = 1_000

/** Makes the faults of a run of `duration` ms, by the seed alone, and round by round, so that no kind is left out. */
export const makeSchedule = (
  seed: number,
  duration: number,
  kinds: ReadonlyArray<FaultKind> = faultKinds
): ReadonlyArray<Fault> => {
  const random = makeRandom(seed)
  const faults: Array<Fault> = []
  for (let at = 0; ; ) {
    for (const kind of shuffled(kinds, random)) {
      at += shortestPause + random() * (longestPause - shortestPause)
      if (at >= duration) return faults
      faults.push({ kind, at, target: random(), size: random() })
    }
  }
}
