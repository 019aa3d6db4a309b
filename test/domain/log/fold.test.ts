import { hash as nodeHash256 } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { fromBase64url, toHex, utf8 } from "../../../src/domain/log/Bytes.ts"
import { Fold } from "../../../src/domain/log/Fold.ts"
import {
  choiceKey,
  type Fate,
  fateLeaf,
  hideChoice,
  isSeedOf,
  type Leaf,
  leafId,
  leafKeyProof,
  openChoice,
  voteLeaf
} from "../../../src/domain/log/Leaf.ts"
import { isHidden, pollLeaf, resultLeaf } from "../../../src/domain/log/LogLeaves.ts"
import { parseLeaf } from "../../../src/domain/log/ParseLeaf.ts"
import type { Sha256 } from "../../../src/domain/log/Sha256.ts"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { longestChoice } from "../../../src/domain/Rules.ts"
import { keyProof } from "../../../src/stream/VoteEntry.ts"

const hash: Sha256 = (bytes) => Buffer.from(nodeHash256("sha256", bytes, "hex"), "hex")
const written = (leaf: Leaf): string => JSON.stringify(leaf)

const fold = (leaves: ReadonlyArray<string>) => {
  const made = new Fold(hash)
  for (const leaf of leaves) made.add(leaf)
  return made
}

const first = written(pollLeaf(defaultPoll))
const countsOf = (leaves: ReadonlyArray<string>) => fold(leaves).recount()

describe("leaves", () => {
  it("have these bytes", () => {
    assert.strictEqual(
      first,
      '{"v":1,"t":"poll","slug":"cats-or-dogs","title":"Cats or dogs?","options":[{"id":"cats","label":"Cats"},{"id":"dogs","label":"Dogs"}],"kind":"single","ballot":"open","identity":"anyone","results":"live"}'
    )
    assert.strictEqual(
      voteLeaf("i", "o", "a:5,b:0", "counted", "n"),
      '{"v":1,"id":"i","o":"a:5,b:0","s":"counted","n":"n"}'
    )
    assert.strictEqual(voteLeaf("i", "c", "x", "counted"), '{"v":1,"id":"i","c":"x","s":"counted"}')
    assert.strictEqual(fateLeaf("i", "superseded"), '{"v":1,"id":"i","s":"superseded"}')
    assert.strictEqual(
      written(resultLeaf("2026-11-24T20:15:00.000Z", 3, 0, [{ id: "cats", count: 2 }])),
      '{"v":1,"t":"result","final":"2026-11-24T20:15:00.000Z","ballots":3,"abstained":0,"options":[{"id":"cats","count":2}]}'
    )
  })

  it("are read in these bytes only", () => {
    for (const leaf of [
      first,
      voteLeaf("i", "o", "a", "counted", "n"),
      fateLeaf("i", "dead"),
      '{"v":1,"t":"tokens","made":3}'
    ]) {
      assert.isDefined(parseLeaf(leaf), leaf)
    }
    for (const leaf of [
      "",
      "null",
      "[]",
      '{"v":2,"id":"i","s":"counted"}',
      '{"v":1,"id":"i","s":"lost"}',
      '{"v":1,"id":1,"s":"counted"}',
      '{"v":1, "id":"i","s":"counted"}',
      '{"v":1,"id":"i","o":"a","c":"b","s":"counted"}',
      '{"v":1,"id":"i","o":1,"s":"counted"}',
      '{"v":1,"t":"poll"}',
      '{"v":1,"t":"poll","options":[1]}',
      '{"v":1,"t":"other"}',
      '{"v":1,"id":"i","s":"dead","s":"counted"}'
    ]) {
      assert.isUndefined(parseLeaf(leaf), leaf)
    }
  })

  it("name a vote by what only the log's keeper has, and its key by what the voter has", () => {
    const voteId = "0193a1b2-0000-7000-8000-000000000000"
    assert.match(leafId(hash, utf8("secret"), voteId), /^[\w-]{22}$/)
    assert.notStrictEqual(leafId(hash, utf8("secret"), voteId), leafId(hash, utf8("other"), voteId))
    assert.strictEqual(leafKeyProof(hash, voteId, "key"), keyProof(voteId, "key"))
  })

  it("are hidden in polls whose results are, or that have voters", () => {
    assert.isFalse(isHidden(defaultPoll))
    assert.isTrue(isHidden({ ...defaultPoll, results: "after_close" }))
    assert.isTrue(isHidden({ ...defaultPoll, identity: "browser" }))
  })
})

describe("a hidden choice", () => {
  const seed = Buffer.alloc(32, 7)

  it("opens with its seed, and is as long as any other of the poll", () => {
    const ids = ["one", "two", "a-long-name-of-an-option"]
    for (const longest of [3, 24, 1_024]) {
      const hidden = ids.map((id) => hideChoice(hash, choiceKey(hash, seed, id), id.slice(0, longest), longest))
      assert.strictEqual(new Set(hidden.map(({ length }) => length)).size, 1)
      assert.strictEqual(new Set(hidden).size, 3)
      for (const [at, id] of ids.entries()) {
        const bytes = fromBase64url(hidden[at] ?? "") ?? assert.fail()
        assert.strictEqual(openChoice(hash, choiceKey(hash, seed, id), bytes), id.slice(0, longest))
        assert.notStrictEqual(openChoice(hash, choiceKey(hash, Buffer.alloc(32), id), bytes), id.slice(0, longest))
      }
    }
  })

  it("hides also a choice that was made before the poll was changed, and is longer than any now", () => {
    const key = choiceKey(hash, seed, "a")
    const bytes = fromBase64url(hideChoice(hash, key, "a-long-name-of-an-option", 3)) ?? assert.fail()
    assert.strictEqual(openChoice(hash, key, bytes), "a-long-name-of-an-option")
  })

  it("hides the same choice of two votes in two ways", () => {
    const of = (id: string) => hideChoice(hash, choiceKey(hash, seed, id), "cats", 4)
    assert.notStrictEqual(of("a"), of("b"))
    // Nor is what hides a long one the same from some byte on.
    const long = fromBase64url(hideChoice(hash, choiceKey(hash, seed, "a"), "c".repeat(64), 64)) ?? assert.fail()
    assert.notDeepEqual(long.slice(0, 32), long.slice(32))
    assert.isTrue(isSeedOf(hash, toHex(seed), toHex(hash(seed))))
    assert.isFalse(isSeedOf(hash, toHex(seed).replace("07", "08"), toHex(hash(seed))))
    assert.isFalse(isSeedOf(hash, "not hex", toHex(hash(seed))))
  })
})

describe("the fold", () => {
  const cats = voteLeaf("a", "o", "cats", "counted")
  const counted = (leaves: ReadonlyArray<string>) => countsOf([first, ...leaves]).options.map(({ count }) => count)

  it("is made of leaves whose fields are anything, each of which it names", () => {
    const ranked = { kind: "ranked", method: "stv", seats: 1, tie_break: "draw", min: 1, max: 2, budget: 3 }
    const hidden = { seed: "00", tie_seed_hash: "00" }
    const leaves = [
      { ...JSON.parse(first), ...ranked, ...hidden },
      { v: 1, id: "a", o: "cats", s: "counted", n: "n" },
      { v: 1, id: "a", c: "AAAA", s: "counted" },
      { v: 1, t: "tokens", made: 3 },
      { v: 1, t: "close", at: "2026-11-24T20:15:00.000Z" },
      { v: 1, t: "open", seed: "00", tie_seed: "00" },
      {
        v: 1,
        t: "result",
        final: "2026-11-24T20:15:00.000Z",
        ballots: 3,
        abstained: 0,
        options: [{ id: "cats", count: 2 }]
      }
    ]
    for (const leaf of leaves) {
      assert.isDefined(parseLeaf(JSON.stringify(leaf)), JSON.stringify(leaf))
      for (const name of Object.keys(leaf)) {
        for (const value of [null, true, -1.5, "anything", [], [null], {}, { id: 1 }]) {
          const hostile = JSON.stringify({ ...leaf, [name]: value })
          assert.doesNotThrow(() => countsOf([hostile, ...leaves.map((each) => JSON.stringify(each))]), hostile)
          assert.doesNotThrow(() => countsOf([first, cats, hostile]), hostile)
        }
      }
    }
    assert.match(countsOf([first, cats, first.replace("single", "unknown")]).wrong.join(), /leaf 2 is not one/)
  })

  it("takes what the last leaf of each vote says", () => {
    const fate = (said: Fate) => fateLeaf("a", said)
    assert.deepStrictEqual(counted([cats, voteLeaf("b", "o", "dogs", "counted")]), [1, 1])
    assert.deepStrictEqual(counted([cats, cats]), [1, 0])
    for (const said of ["superseded", "rejected", "dead"] as const)
      assert.deepStrictEqual(counted([cats, fate(said)]), [0, 0])
    assert.deepStrictEqual(counted([cats, fate("superseded"), fate("counted")]), [1, 0])
    assert.deepStrictEqual(counted([fate("dead"), cats]), [1, 0])
    assert.deepStrictEqual(countsOf([first, cats, fate("dead"), voteLeaf("b", "o", "dogs", "counted")]).wrong, [])
  })

  it("says what can't be", () => {
    const wrong = (...leaves: ReadonlyArray<string>) => countsOf(leaves).wrong.join("; ")
    assert.match(wrong(cats), /leaf 0 is not the poll/)
    assert.match(wrong(first, "{}"), /leaf 1 is not one of a poll's log/)
    assert.match(wrong(first, cats, voteLeaf("a", "o", "dogs", "counted")), /leaf 2 has a vote say something else/)
    assert.match(
      wrong(first, voteLeaf("a", "c", "AAAA", "counted"), voteLeaf("a", "c", "AAAB", "counted")),
      /leaf 2 has a vote say something else/
    )
    assert.match(wrong(first, voteLeaf("a", "o", "birds", "counted")), /the vote a says what no vote can say here/)
    assert.match(wrong(first, fateLeaf("a", "counted")), /no leaf tells what it says/)
    assert.match(wrong(first, '{"v":1,"t":"tokens","made":3}', '{"v":1,"t":"tokens","made":2}'), /takes back tokens/)
    assert.match(wrong(first, '{"v":1,"t":"open","seed":"00"}'), /a seed that the poll did not commit to/)
    assert.match(wrong(first, '{"v":1,"t":"open","tie_seed":"00"}'), /a draw's seed that the poll did not commit to/)
    const fewer = written(pollLeaf({ ...defaultPoll, options: defaultPoll.options.slice(0, 1) }))
    assert.match(wrong(first, cats, fewer), /changes what votes can say/)
    const abstaining = written(pollLeaf({ ...defaultPoll, abstain: true }))
    assert.match(wrong(first, cats, abstaining), /changes what votes can say/)
    for (const other of [{ ballot: "once" }, { identity: "browser" }] as const)
      assert.match(wrong(first, cats, written(pollLeaf({ ...defaultPoll, ...other }))), /or which of them count, after/)
    assert.strictEqual(wrong(first, fewer, cats), "")
    assert.strictEqual(wrong(first, cats, fateLeaf("a", "rejected"), fewer), "")
  })

  it("takes new words of a poll, and a result only at the end", () => {
    const edited = written(pollLeaf({ ...defaultPoll, title: "Dogs or cats?" }))
    const result = written(resultLeaf("2026-11-24T20:15:00.000Z", 1, 0, [{ id: "cats", count: 1 }]))
    assert.strictEqual(fold([first, cats, edited]).poll?.title, "Dogs or cats?")
    assert.strictEqual(fold([first, cats, result]).result?.ballots, 1)
    assert.isUndefined(fold([first, cats, result, edited]).result)
  })

  const seeds = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const poll: Poll = {
    ...defaultPoll,
    abstain: true,
    rules: { kind: "points", budget: 10, spendAll: false },
    results: "after_close"
  }
  const hidden = (id: string, choice: string, seed = seeds[0] ?? assert.fail()) =>
    voteLeaf(
      id,
      "c",
      hideChoice(hash, choiceKey(hash, seed, id), choice, longestChoice(poll.options, poll.rules)),
      "counted"
    )
  const opened = (seed: Uint8Array | undefined) => written({ v: 1, t: "open", seed: toHex(seed ?? assert.fail()) })
  const told = (seed: Uint8Array | undefined) => written(pollLeaf(poll, { seed: toHex(hash(seed ?? assert.fail())) }))

  it("counts hidden choices once they are opened, also of a poll that was opened again", () => {
    const leaves = [
      told(seeds[0]),
      hidden("a", "cats:7,dogs:3"),
      hidden("b", "-"),
      hidden("c", "dogs:10"),
      fateLeaf("c", "dead")
    ]
    const before = countsOf(leaves)
    assert.deepInclude(before, { ballots: 2, hidden: 2, abstained: 0, wrong: [] })
    const after = [...leaves, opened(seeds[0])]
    assert.deepInclude(countsOf(after), { ballots: 2, hidden: 0, abstained: 1, wrong: [] })
    assert.deepStrictEqual(countsOf(after).options, [
      { id: "cats", count: 1, sum: 7 },
      { id: "dogs", count: 1, sum: 3 }
    ])
    const again = [...after, told(seeds[1]), hidden("d", "cats:1", seeds[1])]
    assert.deepInclude(countsOf(again), { ballots: 3, hidden: 1, abstained: 1, wrong: [] })
    assert.deepStrictEqual(countsOf([...again, opened(seeds[1])]).options[0], { id: "cats", count: 2, sum: 8 })
  })

  it("counts first places of ranked polls", () => {
    const ranked: Poll = {
      ...defaultPoll,
      rules: { kind: "ranked", max: 2, method: "irv", seats: 1, tieBreak: "draw" },
      tieSeedHash: toHex(hash(Buffer.alloc(32, 3)))
    }
    const seed = toHex(Buffer.alloc(32, 3))
    const made = fold([
      written(pollLeaf(ranked)),
      voteLeaf("a", "o", "dogs>cats", "counted"),
      voteLeaf("b", "o", "cats", "counted"),
      voteLeaf("c", "o", "dogs", "counted"),
      written({ v: 1, t: "open", tie_seed: seed })
    ])
    const seen: Array<string> = []
    assert.deepStrictEqual(
      made.recount((choice) => seen.push(choice)).options.map(({ count }) => count),
      [1, 2]
    )
    assert.deepStrictEqual(seen, ["dogs>cats", "cats", "dogs"])
    assert.strictEqual(made.tieSeed, seed)
    made.add(written(pollLeaf({ ...ranked, title: "Edited" })))
    assert.strictEqual(made.tieSeed, seed)
    // Reopened: what is told yet draws nothing any more.
    const drawn = (by: number) => written(pollLeaf({ ...ranked, tieSeedHash: toHex(hash(Buffer.alloc(32, by))) }))
    made.add(drawn(4))
    assert.isUndefined(made.tieSeed)
    assert.deepStrictEqual(made.recount().wrong, [])
    // Else someone may have looked for a seed that draws as they like.
    made.add(drawn(5))
    assert.deepStrictEqual(made.recount().wrong, ["leaf 7 changes what draws come from, after the first vote"])
  })
})
