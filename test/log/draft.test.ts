import { assert, describe, it } from "@effect/vitest"
import { Fold } from "../../src/domain/log/Fold.ts"
import { fateLeaf, voteLeaf } from "../../src/domain/log/Leaf.ts"
import { decodeBundle } from "../../src/domain/log/Tile.ts"
import type { WaitingLeaf } from "../../src/ledger/LogRows.ts"
import { Draft } from "../../src/log/Draft.ts"
import { sha256 } from "../../src/log/Hashes.ts"
import { beginLog } from "../../src/log/Sequencer.ts"
import { shuffled } from "../../src/log/Shuffle.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"

const poll = { slug: "lunch", ...teaOrCoffeePoll, identity: "browser" } as const

const log = {
  poll: poll.slug,
  number: 1,
  ...beginLog("logs.test", poll.slug),
  seed: null,
  opened: false,
  size: 0,
  waiting: [],
  tokens: 0,
  former: null,
  edge: []
}

describe("a draft of a log", () => {
  it("has what became of votes that wait for others before a change of what decides over votes", () => {
    const draft = new Draft(log, poll)
    draft.add(["a", 1, voteLeaf("a", "o", "tea", "counted")])
    draft.happened("poll", { decides: false })
    draft.happened("close", { at: 2 })
    draft.add(["a", null, fateLeaf("a", "rejected")])
    draft.happened("poll", { decides: true })
    const { size, tiles, waiting } = draft.grown()
    const [bundle] = tiles
    const lines = (decodeBundle(bundle?.data ?? new Uint8Array()) ?? []).map((leaf) => Buffer.from(leaf).toString())
    const kinds = lines.map((line) => /"(?:s|t)":"(\w+)"/.exec(line)?.[1])
    // What was changed before is told with that: the poll is told as it is now.
    assert.deepStrictEqual(kinds, ["poll", "counted", "close", "rejected", "poll"])
    assert.deepStrictEqual([size, waiting], [5, []])
    // A stranger finds no fault with other options then.
    const fold = new Fold(sha256)
    for (const line of lines.slice(0, -1)) fold.add(line)
    fold.add((lines.at(-1) ?? "").replace(/"options":\[.*?\]/, '"options":[{"id":"milk","label":"Milk"}]'))
    assert.deepStrictEqual(fold.recount().wrong, [])
  })

  /** Adds so many new votes, and returns their ids in that order. */
  const addVotes = (draft: Draft, votes: number) =>
    Array.from({ length: votes }, (_, at) => {
      draft.add([`vote-${at}`, at, voteLeaf(`vote-${at}`, "o", "tea", "counted")])
      return `vote-${at}`
    })

  it("has the votes of voters in no order, which would tell who voted when", () => {
    const draft = new Draft(log, poll)
    const ids = addVotes(draft, 100)
    const [bundle] = draft.grown().tiles
    const logged = (decodeBundle(bundle?.data ?? new Uint8Array()) ?? []).flatMap(
      (leaf) => /"id":"(vote-\d+)"/.exec(Buffer.from(leaf).toString())?.slice(1) ?? []
    )
    assert.sameMembers(logged, ids)
    assert.notDeepEqual(logged, ids)
  })

  it("waits for twenty new votes of voters, whatever becomes of others meanwhile", () => {
    const draft = new Draft(log, poll)
    addVotes(draft, 19)
    for (const other of ["a", "b", "c"]) draft.add([other, null, fateLeaf(other, "rejected")])
    const { size, waiting } = draft.grown()
    assert.deepStrictEqual([size, waiting.length], [1, 22])
  })

  it("keeps what is said of one vote in its order", () => {
    const leaves = Array.from(
      { length: 300 },
      (_, at): WaitingLeaf => [`${at % 100}`, at < 100 ? at : null, `${Math.floor(at / 100)}`]
    )
    const order = shuffled(leaves)
    assert.sameDeepMembers([...order], leaves)
    assert.notDeepEqual(shuffled(leaves), order)
    for (let vote = 0; vote < 100; vote++) {
      const said = order.filter(([id]) => id === `${vote}`).map(([, , line]) => line)
      assert.deepStrictEqual(said, ["0", "1", "2"])
    }
  })
})
