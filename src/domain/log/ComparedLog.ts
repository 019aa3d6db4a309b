import type { Sha256 } from "./Sha256.ts"
import { differences, type Told } from "./ToldDifferences.ts"
import { type Kept, type LogSource, type VerifiedLog, verifyLog } from "./VerifyLog.ts"

/** A checked log beside what the service tells. */
export interface ComparedLog {
  readonly log: VerifiedLog
  /** What does not hold, in words; none where all does. */
  readonly wrong: ReadonlyArray<string>
  /** Whether votes came in too fast for the results to be compared. */
  readonly moving: boolean
}

/** How a log is compared with what is told. */
export interface Comparing {
  readonly hash: Sha256
  readonly source: LogSource
  readonly told: () => Promise<Told>
  readonly kept?: Kept
  /** Waits for a second. */
  readonly pause: () => Promise<unknown>
}

/**
 * Puts together what the service tells: of a poll's view what is compared, since its own `results` says who may see them. They are
 * undefined where we may not.
 */
export const toldOf = <Results extends NonNullable<Told["results"]>>(
  view: (Omit<Told, "poll" | "results"> & NonNullable<Told["poll"]>) | undefined,
  results: Results | undefined
) => ({
  title: view?.title ?? "",
  options: view?.options ?? [],
  ...(view === undefined ? {} : { poll: view }),
  ...(results === undefined ? {} : { results })
})

/** How often results and a log that has not its end yet are compared: the log comes a little later. */
const most = 10
/** How often at least before what stands still and differs is wrong. */
const least = 4

/** Checks a log, and compares it with what the service tells. */
export const compareLog = async ({ hash, kept, pause, source, told }: Comparing): Promise<ComparedLog> => {
  let before = ""
  for (let tries = 1; ; tries++) {
    const log = await verifyLog(hash, source, kept)
    const tells = await told()
    const differing = differences(log, tells)
    const now = JSON.stringify([log.checkpoint.size, tells.results?.results])
    // A ranked poll's winners are told a moment after its result is final.
    const isWhole = log.fold.result !== undefined && tells.results?.winners?.length !== 0
    const settled = log.wrong.length > 0 || differing.length === 0 || isWhole
    const stands = tries >= least && now === before
    if (settled || stands) return { log, wrong: [...log.wrong, ...differing], moving: false }
    if (tries === most) return { log, wrong: log.wrong, moving: true }
    before = now
    await pause()
  }
}

/** Returns the number of a poll's newest log: another one begins where one had to be given up. */
export const newestLog = async (exists: (number: number) => Promise<boolean>): Promise<number> => {
  let number = 1
  while (await exists(number + 1)) number++
  return number
}
