import { encodeVote } from "../domain/Vote.ts"
import type { AcceptedVote } from "../ledger/Ledger.ts"

/** A stream entry as it was read, not looked into yet. */
export interface RawEntry {
  readonly id: string
  /** Names and values in turn, null where the stream no longer holds the entry. */
  readonly fields: ReadonlyArray<string> | null
}

/** The vote that an entry is. */
export interface ReadVote extends AcceptedVote {
  readonly id: string
  /** The entry's fields, where they may be others than a vote is encoded as. */
  readonly fields?: ReadonlyArray<string>
}

export type Entry = RawEntry | ReadVote

export const isVote = (entry: Entry): entry is ReadVote => "voteId" in entry

/** An entry's fields, names and values in turn; none where the stream no longer holds it. */
export const fieldsOf = (entry: Entry): ReadonlyArray<string> =>
  entry.fields ?? (isVote(entry) ? encodeVote(entry).map(String) : [])
