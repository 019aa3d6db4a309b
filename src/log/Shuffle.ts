import { getRandomValues } from "node:crypto"
import type { WaitingLeaf } from "../ledger/LogRows.ts"

/** So many random numbers are made at once. */
const drawn = 4_096

/** Returns the leaves in random order, but for those of one vote, which stay in theirs: the last of them says what it is. */
export const shuffled = (leaves: ReadonlyArray<WaitingLeaf>): ReadonlyArray<WaitingLeaf> => {
  const order = [...leaves]
  const random = new Uint32Array(Math.min(drawn, order.length))
  for (let left = order.length; left > 1; left--) {
    const at = (order.length - left) % drawn
    if (at === 0) getRandomValues(random)
    const other = (random[at] ?? 0) % left
    const [a, b] = [order[left - 1], order[other]]
    if (a !== undefined && b !== undefined) [order[left - 1], order[other]] = [b, a]
  }
  // Only a vote that was known before has more leaves than one, and some without a time.
  if (leaves.every(([, ms]) => ms !== null)) return order
  const ofVote = new Map<string, Array<WaitingLeaf>>()
  for (const leaf of leaves) {
    const others = ofVote.get(leaf[0])
    if (others === undefined) ofVote.set(leaf[0], [leaf])
    else others.push(leaf)
  }
  return order.map((leaf) => ofVote.get(leaf[0])?.shift() ?? leaf)
}
