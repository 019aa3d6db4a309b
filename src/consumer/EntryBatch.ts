import { VoteColumns } from "../ledger/VoteColumns.ts"

/** A stream entry as it was read, not decoded yet. */
export interface Entry {
  readonly id: string
  /** Names and values in turn; null where the stream no longer holds the entry. */
  readonly fields: ReadonlyArray<string> | null
}

/** Entries that were read together. */
export interface EntryBatch {
  /** The ids of all of them, in the stream's order. */
  readonly ids: ReadonlyArray<string>
  /** The entries that were recognised as a vote and nothing else. */
  readonly votes: VoteColumns
  /** All other entries: each may be a vote all the same. */
  readonly others: ReadonlyArray<Entry>
}

/** Returns a batch followed by entries as Redis's client decodes them. */
export const withEntries = ({ ids, others, votes }: EntryBatch, entries: ReadonlyArray<Entry>): EntryBatch => ({
  ids: [...ids, ...entries.map(({ id }) => id)],
  votes,
  others: [...others, ...entries]
})

/** Makes a batch of entries as Redis's client decodes them. */
export const batchOf = (entries: ReadonlyArray<Entry>): EntryBatch => ({
  ids: entries.map(({ id }) => id),
  votes: new VoteColumns(),
  others: entries
})
