import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { EntryParser } from "../../../src/consumer/bytes/EntryParser.ts"
import type { EntryBatch } from "../../../src/consumer/EntryBatch.ts"
import { OptionId, PollSlug } from "../../../src/domain/Poll.ts"
import { makeVoteId, parseEntryId } from "../../../src/domain/Vote.ts"
import { decodeVote, encodeVote, keyProof } from "../../../src/stream/VoteEntry.ts"
import { entriesOf } from "../../support/entries.ts"

type Held = readonly [id: string, fields: ReadonlyArray<string> | null]

const text = (of: string) => `$${Buffer.byteLength(of)}\r\n${of}\r\n`
const array = (parts: ReadonlyArray<string>) => `*${parts.length}\r\n${parts.join("")}`

/** XREADGROUP's answer in RESP 3. */
const answerOf = (entries: ReadonlyArray<Held>): Buffer =>
  Buffer.from(
    `%1\r\n${text("votes")}${array(
      entries.map(([id, fields]) => array([text(id), fields === null ? "_\r\n" : array(fields.map(text))]))
    )}`
  )

/** Reads an answer in pieces that end at the given places, and something else behind it. */
const parse = (
  answer: Buffer,
  cuts: ReadonlyArray<number>,
  parser = new EntryParser(),
  behind = "+OK\r\n"
): EntryBatch => {
  parser.begin()
  const bytes = Buffer.concat([answer, Buffer.from(behind)])
  const ends = [...new Set([...cuts.map((cut) => cut % bytes.length), answer.length])].sort((a, b) => a - b)
  let from = 0
  for (const end of ends.filter((end) => end > 0 && end < answer.length)) {
    assert.isUndefined(parser.take(bytes.subarray(from, end)))
    from = end
  }
  assert.strictEqual(parser.take(bytes.subarray(from))?.toString(), behind)
  return parser.batch
}

/** What the entries are to be: a vote with the acceptance of its id, or just what was read. */
const expectHeld = (batch: EntryBatch, held: ReadonlyArray<Held>) => {
  const entries = entriesOf(batch)
  assert.deepStrictEqual(
    entries.map(({ fields, id }) => [id, fields]),
    held.map(([id, fields]) => [id, fields])
  )
  for (const [index, entry] of entries.entries()) {
    if (entry.vote === undefined) continue
    const [id, fields] = held[index] ?? assert.fail("more than there were")
    const vote = Result.getOrThrow(decodeVote("votes", id, fields ?? []))
    assert.deepStrictEqual(entry.vote, { ...vote, ...(parseEntryId(id) ?? assert.fail("out of range")) })
  }
}

const cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })))
const Id = Schema.Tuple([
  Schema.Literals(["0", "1", "1732000000000", "9007199254740993", "9223372036854775808", "18446744073709551615"]),
  Schema.Literals(["0", "7", "999999999999999", "18446744073709551615"])
])
const voteId = makeVoteId()
const cast = { voteId, poll: "cats-or-dogs", choice: "cats", castAt: 1_732_000_000_000, voter: "YW5u" }
const right = encodeVote(cast, { n: keyProof(voteId, "key") })
const wrong = [
  "",
  "1",
  "a",
  "-a",
  "2",
  "1".repeat(16),
  "1\n",
  `${voteId}\n`,
  voteId.toUpperCase(),
  voteId.replaceAll("-", "0"),
  // Another version, another variant, and a digit that is none.
  `${voteId.slice(0, 14)}4${voteId.slice(15)}`,
  `${voteId.slice(0, 19)}c${voteId.slice(20)}`,
  `${voteId.slice(0, -1)}g`,
  "é",
  "\u0000",
  "vote"
]

describe("EntryParser", () => {
  it.effect.prop(
    "reads votes, whatever the pieces that they come in",
    {
      votes: Schema.Array(
        Schema.Struct({
          poll: PollSlug,
          choice: Schema.Union([OptionId, Schema.Literals(["b>a>c", "a:-5,b:10", "x+y", "-", "o".repeat(1_024)])]),
          castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 })),
          known: Schema.Boolean,
          keyed: Schema.Boolean
        })
      ),
      cuts
    },
    ({ cuts, votes }) =>
      Effect.sync(() => {
        const entries = votes.map(({ castAt, choice, keyed, known, poll }, index) => {
          const vote = { voteId: makeVoteId(), poll, choice, castAt, ...(known ? { voter: "YW5u" } : {}) }
          const id = `${1_732_000_000_000 + (index >> 1)}-${index & 1}`
          return [id, encodeVote(vote, keyed ? { n: keyProof(vote.voteId, "key") } : {})] satisfies Held
        })
        const batch = parse(answerOf(entries), cuts)
        expectHeld(batch, entries)
        assert.strictEqual(batch.votes.length, entries.length)
      })
  )

  it.effect.prop(
    "gives as it is what is anything else, or nothing any more",
    {
      held: Schema.Array(Schema.Tuple([Id, Schema.Union([Schema.Null, Schema.Array(Schema.String)])])),
      cuts
    },
    ({ cuts, held }) =>
      Effect.sync(() => {
        const entries = held.map(
          ([id, fields]): Held => [id.join("-"), fields?.map((field) => field.toWellFormed()) ?? null]
        )
        expectHeld(parse(answerOf(entries), cuts), entries)
      })
  )

  it("takes for a vote what decodes as one, and nothing else", () => {
    const held = Array.from({ length: right.length })
      .flatMap((_, at) =>
        [...wrong, `${right[at]}a`, right[at] ?? assert.fail()].flatMap((value): ReadonlyArray<Held> => {
          const fields = right.with(at, value)
          return [
            ["1732000000000", fields],
            ["1732000000000", fields.slice(0, -2)],
            ["18446744073709551615", fields]
          ]
        })
      )
      .map(([ms, fields], index): Held => [`${ms}-${index}`, fields])
    const batch = parse(answerOf(held), [])
    expectHeld(batch, held)
    for (const [index, entry] of entriesOf(batch).entries()) {
      const [id, fields] = held[index] ?? assert.fail()
      // Beyond the ledger's range, or by other names in the same places: for others to judge.
      const plain = fields?.filter((_, at) => at % 2 === 0).join() === right.filter((_, at) => at % 2 === 0).join()
      const isOne = Result.isSuccess(decodeVote("votes", id, fields ?? [])) && !id.startsWith("18446")
      if (plain || !isOne) assert.strictEqual(entry.vote !== undefined, isOne, JSON.stringify(fields))
    }
  })

  it("leaves to others an id of numbers that are not exact", () => {
    const held = ["1000000000000000-0", "1-1000000000000000"].map((id): Held => [id, right])
    const batch = parse(answerOf(held), [])
    expectHeld(batch, held)
    assert.strictEqual(batch.votes.length, 0)
  })

  it("takes no choice for another one that begins with it, whatever was read before", () => {
    // What is read lately is kept by a hash, which is the same for these.
    const choices = ["catsaui", "cats", "catshpa", "cats", "dogsary", "dogs"]
    const held = choices.map((choice, index): Held => [`1732000000000-${index}`, encodeVote({ ...cast, choice })])
    const read = entriesOf(parse(answerOf(held), [])).map(({ vote }) => vote?.choice)
    assert.deepStrictEqual(read, choices)
  })

  it("keeps nothing of the answer before, not even of one that was cut off", () => {
    const parser = new EntryParser()
    const fields = right
    const answers: ReadonlyArray<ReadonlyArray<Held>> = [
      [
        ["1732000000000-0", fields],
        ["1732000000000-1", ["something", "else"]],
        ["1732000000000-2", fields]
      ],
      [["1732000000001-0", fields.slice(0, -2)]],
      [["1732000000002-0", null]],
      []
    ]
    for (const held of answers) {
      const answer = answerOf(held)
      for (let end = 0; end < answer.length; end++) {
        parser.begin()
        assert.isUndefined(parser.take(answer.subarray(0, end)))
      }
      expectHeld(parse(answer, [], parser), held)
    }
  })

  it("leaves what came behind an answer to whoever keeps it, also while the next one is read", () => {
    const parser = new EntryParser()
    const answer = answerOf([["1-0", right]])
    const read = (behind: string) => {
      parser.begin()
      assert.isUndefined(parser.take(answer.subarray(0, 20)))
      return parser.take(Buffer.concat([answer.subarray(20), Buffer.from(behind)]))
    }
    const behind = [read("+ONE\r\n"), read("+TWO\r\n")]
    assert.deepStrictEqual(behind.map(String), ["+ONE\r\n", "+TWO\r\n"])
  })

  it("has the entries of one answer follow those of the one before, where these are to be kept", () => {
    const parser = new EntryParser()
    const held = Array.from(
      { length: 300 },
      (_, index): Held => [`1732000000000-${index}`, index % 100 === 1 ? ["something", "else"] : right]
    )
    const parts = [held.slice(0, 3), [], held.slice(3)]
    for (const part of parts) {
      parser.begin(true)
      const answer = answerOf(part)
      const middle = answer.length >> 1
      assert.isUndefined(parser.take(answer.subarray(0, middle)))
      assert.strictEqual(parser.take(answer.subarray(middle))?.length, 0)
    }
    expectHeld(parser.batch, held)
  })

  it("reads an entry that is longer than many pieces", () => {
    const long = ["v", "x".repeat(300_000), ...Array.from({ length: 20_000 }, (_, index) => String(index))]
    const held: ReadonlyArray<Held> = [
      ["1-0", long],
      ["1-1", right]
    ]
    const answer = answerOf(held)
    const everyKilobyte = Array.from({ length: answer.length >> 10 }, (_, index) => index << 10)
    expectHeld(parse(answer, everyKilobyte), held)
  })

  it("says so where the bytes are no such answer", () => {
    for (const bytes of [
      "%1\r\n*1\r\n",
      "%1\r\n$1\r\na\r\n:1\r\n",
      "%1\r\n$1\r\na\r\n*1\r\n$1\r\na\r\n",
      "%1\r\n$1\r\na\r\n*-1\r\n"
    ]) {
      assert.throws(() => new EntryParser().take(Buffer.from(bytes)), /Redis's answer has a byte/)
    }
  })
})
