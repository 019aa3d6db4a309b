import type { Poll } from "../Poll.ts"
import { showRules } from "../PollRules.ts"
import type { PollLeaf, ResultLeaf } from "./Leaf.ts"

/** What a poll's leaf says beside the poll. */
export interface Committed {
  /** The SHA-256, in hex, of the seed that opens choices. */
  readonly seed?: string
  readonly former?: string
}

/** Returns the leaf that tells a poll. */
export const pollLeaf = (poll: Poll, { former, seed }: Committed = {}): PollLeaf => ({
  v: 1,
  t: "poll",
  slug: poll.slug,
  title: poll.title,
  ...(poll.description === undefined ? {} : { description: poll.description }),
  options: poll.options.map(({ id, label }) => ({ id, label })),
  ...showRules(poll.rules, poll.abstain),
  ballot: poll.ballot,
  identity: poll.identity,
  results: poll.results,
  ...(poll.challenge === undefined ? {} : { challenge: poll.challenge }),
  ...(poll.opensMs === undefined ? {} : { opens_at: new Date(poll.opensMs).toISOString() }),
  ...(poll.closesMs === undefined ? {} : { closes_at: new Date(poll.closesMs).toISOString() }),
  ...(poll.tieSeedHash === undefined ? {} : { tie_seed_hash: poll.tieSeedHash }),
  ...(seed === undefined ? {} : { seed }),
  ...(former === undefined ? {} : { former })
})

/** Returns whether a poll's choices are hidden in its log until its end. */
export const isHidden = ({ identity, results }: Pick<Poll, "identity" | "results">): boolean =>
  results !== "live" || identity !== "anyone"

/** Returns the leaf that tells a final result; `options` are in the poll's order. */
export const resultLeaf = (
  final: string,
  ballots: number,
  abstained: number,
  options: ResultLeaf["options"]
): ResultLeaf => ({
  v: 1,
  t: "result",
  final,
  ballots,
  abstained,
  options: options.map(({ count, id, sum }) => ({ id, count, ...(sum === undefined ? {} : { sum }) }))
})
