import { choiceKey, type Fate, fateLeaf, hideChoice, voteLeaf } from "../domain/log/Leaf.ts"
import type { Queued } from "../ledger/LogQueue.ts"
import type { LogRow, WaitingLeaf } from "../ledger/LogRows.ts"
import { makeNamer, sha256 } from "./Hashes.ts"
import { PackedArray } from "./PackedArray.ts"

/** What a poll's votes are written with. */
export interface Naming {
  /** Returns a vote's `id`, by its `vote_id` at a place in some bytes. */
  readonly nameOf: (bytes: Uint8Array, at: number) => string
  /** What hides the choices, if anything. */
  readonly seed: Uint8Array | null
  /** The length of the longest choice. */
  readonly longest: number
}

/** Returns how a log's votes are written. */
export const namingOf = ({ secret, seed }: Pick<LogRow, "secret" | "seed">, longest: number): Naming => ({
  nameOf: makeNamer(secret),
  seed,
  longest
})

const newLeaf = ({ longest, seed }: Naming, id: string, choice: string, fate: Fate, n: string | undefined): string =>
  seed === null
    ? voteLeaf(id, "o", choice, fate, n)
    : voteLeaf(id, "c", hideChoice(sha256, choiceKey(sha256, seed, id), choice, longest), fate, n)

/** Takes the leaves of a log's votes. */
export interface VoteLog {
  readonly naming: Naming
  add(leaf: WaitingLeaf): void
}

/** Returns how many votes a row of the queue has; the packed array of their ids says so. */
export const votesIn = ({ voteIds }: Queued): number => (voteIds === null ? 0 : new PackedArray(voteIds, 16).length)

/** Adds the leaves of a row's votes, from one up to before another, to their logs; those of polls without one are left out. */
export const addVotes = (
  { choices, kind, numbers, polls, proofs, voteIds }: Queued,
  logOf: (poll: string) => VoteLog | undefined,
  from: number,
  to: number
): void => {
  if (voteIds === null) return
  const ids = new PackedArray(voteIds, 16)
  const places = numbers && new PackedArray(numbers, 4)
  const halves = proofs && new PackedArray(proofs, 16)
  for (let index = from; index < Math.min(to, ids.length); index++) {
    const place = places === null ? (polls.length === 1 ? 0 : index) : places.int32(index) - 1
    const log = logOf(polls[place] ?? "")
    if (log === undefined) continue
    const id = log.naming.nameOf(ids.bytes, ids.at(index))
    const choice = choices?.[place]
    const fate = kind as Fate
    if (choice === undefined) log.add([id, null, fateLeaf(id, fate)])
    else log.add([id, ids.uuidMs(index), newLeaf(log.naming, id, choice, fate, halves?.half(index))])
  }
}
