import { choiceKey, type Fate, fateLeaf, hideChoice } from "../domain/log/Leaf.ts"
import type { Queued } from "../ledger/LogQueue.ts"
import type { LogRow, WaitingLeaf } from "../ledger/LogRows.ts"
import { halfHashOfText, sha256 } from "./Hashes.ts"
import { PackedArray } from "./PackedArray.ts"

/** What a poll's votes are written with. */
export interface Naming {
  /** The log's secret, which is text. */
  readonly secret: string
  /** What hides the choices, if anything. */
  readonly seed: Uint8Array | null
  /** The length of the longest choice. */
  readonly longest: number
}

const decoder = new TextDecoder()

/** Returns how a log's votes are written. */
export const namingOf = ({ secret, seed }: Pick<LogRow, "secret" | "seed">, longest: number): Naming => ({
  secret: decoder.decode(secret),
  seed,
  longest
})

/** Returns the text of the leaf of a vote that is new; what it is made of needs no escaping. */
const newLeaf = (naming: Naming, id: string, choice: string, status: string, n: string | undefined): string => {
  const said =
    naming.seed === null
      ? `"o":"${choice}"`
      : `"c":"${hideChoice(sha256, choiceKey(sha256, naming.seed, id), choice, naming.longest)}"`
  return `{"v":1,"id":"${id}",${said},"s":"${status}"${n === undefined ? "" : `,"n":"${n}"`}}`
}

/** Gives each leaf of the votes that were queued in a row to `take`; those of polls that `named` does not know are left out. */
export const voteLeaves = (
  { choices, kind, ms, numbers, polls, proofs, voteIds }: Queued,
  named: (poll: string) => Naming | undefined,
  take: (poll: string, leaf: WaitingLeaf) => void
): void => {
  if (voteIds === null) return
  const ids = new PackedArray(voteIds, 16)
  const places = numbers && new PackedArray(numbers, 4)
  const times = ms && new PackedArray(ms, 8)
  const halves = proofs && new PackedArray(proofs, 16)
  for (let index = 0; index < ids.length; index++) {
    const place = places === null ? (polls.length === 1 ? 0 : index) : places.int32(index) - 1
    const poll = polls[place] ?? ""
    const naming = named(poll)
    if (naming === undefined) continue
    const id = halfHashOfText(naming.secret + ids.uuid(index))
    const choice = choices?.[place]
    if (choice === undefined) take(poll, [id, null, fateLeaf(id, kind as Fate)])
    else take(poll, [id, times?.int64(index) ?? null, newLeaf(naming, id, choice, kind, halves?.half(index))])
  }
}
