import { assert } from "@effect/vitest"
import type { Entry, EntryBatch } from "../../src/consumer/EntryBatch.ts"
import type { AcceptedVote } from "../../src/ledger/VoteColumns.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"

/** The entries of a batch in the order in which they were read, each that is nothing but a vote with that. */
export const entriesOf = ({
  ids,
  others,
  votes
}: EntryBatch): ReadonlyArray<Entry & { readonly vote?: AcceptedVote }> => {
  const rest = [...others]
  let next = 0
  const entries = ids.map((id) => {
    if (rest[0]?.id === id) return rest.shift() ?? assert.fail()
    const vote = votes.at(next++)
    assert.strictEqual(`${vote.ms}-${vote.seq}`, id)
    return { id, fields: encodeVote(vote), vote }
  })
  assert.strictEqual(next, votes.length)
  assert.deepStrictEqual(rest, [])
  return entries
}
