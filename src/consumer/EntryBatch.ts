import { VoteColumns } from "../ledger/VoteColumns.ts"

/** A stream entry as it was read, not looked into yet. */
export interface Entry {
  readonly id: string
  /** Names and values in turn, null where the stream no longer holds the entry. */
  readonly fields: ReadonlyArray<string> | null
}

/** Entries as they were read. */
export interface EntryBatch {
  /** Of all of them, in the stream's order. */
  readonly ids: ReadonlyArray<string>
  /** Those that are a vote and nothing else, … */
  readonly votes: VoteColumns
  /** … and all others. */
  readonly others: ReadonlyArray<Entry>
}

/** A batch of entries that nobody has looked into. */
export const batchOf = (entries: ReadonlyArray<Entry>): EntryBatch => ({
  ids: entries.map(({ id }) => id),
  votes: new VoteColumns(),
  others: entries
})
