import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { ask } from "../http.ts"

/** Reads the poll again where its organiser has changed it. */
export interface PollFollower {
  /** Hears of the poll's version: where the page does not have that yet, the poll is read. */
  hear(version: number): void
  /** Reads the poll, whatever its version. */
  read(): Promise<void>
  /** Goes on with what could not be read yet. */
  catchUp(): void
}

/** What can't be changed without another ballot. */
const ballotOf = ({ abstain, ballot, challenge, identity, options, ...poll }: PollView): string =>
  JSON.stringify([rulesOf({ ...poll, options }), options.map(({ id }) => id), abstain, ballot, challenge, identity])

/** Whether two versions of a poll are voted in by the same ballot. */
export const haveSameBallot = (before: PollView, after: PollView): boolean => ballotOf(before) === ballotOf(after)

/** Follows the poll from a version on; `taken` is called with what was read, which is never older than what is known of. */
export const followPoll = (path: string, { version = 0 }: PollView, taken: (poll: PollView) => void): PollFollower => {
  let known = version
  let latest = version
  let reading = false

  const read = async (): Promise<void> => {
    if (reading) return
    reading = true
    const answer = await ask<PollView>(path, { fresh: true })
    reading = false
    // An API process may hear of a change a moment later than others.
    if (answer.kind !== "ok" || (answer.body.version ?? 0) < latest) return
    known = latest = answer.body.version ?? 0
    taken(answer.body)
  }
  const catchUp = (): void => {
    if (known !== latest) void read()
  }
  return {
    read,
    catchUp,
    hear: (version) => {
      latest = version
      catchUp()
    }
  }
}
