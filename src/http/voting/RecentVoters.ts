import type { Poll } from "../../domain/Poll.ts"
import type { Voter } from "./Voters.ts"

/** How many voters are remembered here at least, so that a second vote in a `once` poll is refused at once. */
const remembered = 100_000

/**
 * Names a voter in a poll. Whoever voted in a deleted poll may vote in one that was given its slug, which opens later than any vote of
 * the former one was accepted. In one and the same poll the opening time stays, once there are votes.
 */
export const nameIn = ({ opensMs, slug }: Poll, { hash }: Voter): string => `${slug}/${opensMs ?? ""}/${hash}`

/** Remembers who has voted here lately, and in what poll. */
export const makeRecentVoters = () => {
  // In two generations: to delete the oldest of a set, V8 passes all those before it that are deleted already.
  let recent = new Set<string>()
  let former = new Set<string>()

  const hasCast = (poll: Poll, voter: Voter): boolean => {
    const name = nameIn(poll, voter)
    return recent.has(name) || former.has(name)
  }
  /** Remembers a voter in a poll where it makes a difference to have voted. */
  const remember = (poll: Poll, voter: Voter): void => {
    if (poll.ballot !== "once" && poll.results !== "after_vote") return
    if (recent.size >= remembered) {
      former = recent
      recent = new Set()
    }
    recent.add(nameIn(poll, voter))
  }
  return { hasCast, remember }
}
