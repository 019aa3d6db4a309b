import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeAppender } from "../../src/stream/Appender.ts"
import { keyRecord } from "../../src/stream/KeyRecords.ts"
import type { Shard } from "../../src/stream/Shards.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { encodeVote, keyProof } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { layerServers } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

type Args = ReadonlyArray<string | number>

interface Sent {
  readonly args: Args
  resolve(answers: ReadonlyArray<string | Error>): void
  reject(cause: unknown): void
}

/** A shard whose Redis answers when it is told to. */
const slowShard = () => {
  const sent: Array<Sent> = []
  const client = {
    appendVotes: (args: Args) =>
      new Promise((resolve, reject) => {
        sent.push({ args, resolve, reject })
      })
  }
  return { sent, shard: { stream: "votes", keyPrefix: "votes", client } as unknown as Shard }
}

const outcomes = (votes: ReadonlyArray<Promise<string>>) =>
  Promise.all(votes.map((vote) => vote.catch((cause: Error) => cause.message)))

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/** A vote that a test knows by its id, and what the command has of it. */
const named = (voteId: string) => ({ voteId, poll: "p", choice: "o", castAt: 7 })
const argsOf = (voteId: string) => ["", voteId, "p", "o", "7"]

describe("an appender", () => {
  it("sends what comes in one turn at once, and what comes meanwhile together with the next", async () => {
    const { sent, shard } = slowShard()
    const { append } = makeAppender(shard, () => 1_000)
    const first = [append(named("a")), append({ ...named("b"), voter: "x" }, { record: "record-b", traceparent })]
    await sleep(5)
    const second = [append(named("c")), append(named("d"))]
    await sleep(5)
    const ofBoth = [...argsOf("a"), "key voter traceparent", ...argsOf("b").slice(1), "x", traceparent]
    assert.deepStrictEqual(
      sent.map(({ args }) => args),
      [["4", "votes", "votes:shut", "record-b", "votes:key-memory", "1000", "", ...ofBoth]]
    )
    sent[0]?.resolve(["1-0", "1-1 b x"])
    await sleep(5)
    assert.deepStrictEqual(sent[1]?.args, ["2", "votes", "votes:shut", "1000", "", ...argsOf("c"), ...argsOf("d")])
    sent[1]?.resolve(["2-0", new Error("not this one")])
    assert.deepStrictEqual(await outcomes([...first, ...second]), ["1-0", "1-1 b x", "2-0", "not this one"])
    const third = append(named("e"))
    await sleep(5)
    sent[2]?.resolve(["3-0"])
    assert.strictEqual(await third, "3-0")
  })

  it("tells the earliest version of each poll that some votes go by, unless it is the first", async () => {
    const { sent, shard } = slowShard()
    const { append } = makeAppender(shard, () => 1_000)
    for (const [poll, version] of [
      ["p", 3],
      ["q", 7],
      ["p", 2],
      ["r", 1],
      ["q", 8],
      ["s", 5],
      ["s", undefined]
    ] as const)
      void append({ ...named("a"), poll }, { version })
    await sleep(5)
    assert.strictEqual(sent[0]?.args[4], "p 2 q 7 ")
  })

  it("leaves no vote waiting behind a command that fails, and never sends those", async () => {
    const { sent, shard } = slowShard()
    const { append } = makeAppender(shard, () => 1_000)
    const first = append(named("a"))
    await sleep(5)
    const waiting = [append(named("b")), append(named("c"))]
    sent[0]?.reject(new Error("Command timed out"))
    assert.deepStrictEqual(await outcomes([first, ...waiting]), Array(3).fill("Command timed out"))
    const later = append(named("d"))
    await sleep(5)
    assert.lengthOf(sent, 2)
    assert.deepStrictEqual(sent[1]?.args.slice(-5), argsOf("d"))
    sent[1]?.resolve(["4-0"])
    assert.strictEqual(await later, "4-0")
  })

  it("sends two hundred at most in one command, and lets none wait for another that came with it", async () => {
    const { sent, shard } = slowShard()
    const { append } = makeAppender(shard, () => 1_000)
    const first = append(named("first"))
    await sleep(5)
    const votes = Array.from({ length: 450 }, (_, index) => append(named(String(index))))
    await sleep(5)
    assert.lengthOf(sent, 1)
    sent[0]?.resolve(["0-0"])
    await sleep(5)
    assert.deepStrictEqual(
      sent.map(({ args }) => (args.length - 5) / 5),
      [1, 200, 200, 50]
    )
    const later = append(named("later"))
    sent[2]?.reject(new Error("Command timed out"))
    for (const [turn, count] of [1, 200, 0, 50].entries()) {
      sent[turn]?.resolve(Array.from({ length: count }, (_, index) => `${turn}-${index}`))
    }
    const ids = await outcomes([first, ...votes, later])
    assert.deepStrictEqual(
      [ids[0], ids[1], ids[200], ids[201], ids[400], ids[401], ids[450], ids[451]],
      ["0-0", "1-0", "1-199", "Command timed out", "Command timed out", "3-0", "3-49", "Command timed out"]
    )
    const last = append(named("last"))
    await sleep(5)
    sent[4]?.resolve(["4-0"])
    assert.strictEqual(await last, "4-0")
  })

  it("goes on after a client that throws", async () => {
    let broken = true
    const client = {
      appendVotes: () => {
        if (broken) throw new Error("broken")
        return Promise.resolve(["1-0"])
      }
    }
    const { append } = makeAppender({ stream: "votes", keyPrefix: "votes", client } as unknown as Shard, () => 1_000)
    assert.deepStrictEqual(await outcomes([append(named("a"))]), ["broken"])
    broken = false
    assert.strictEqual(await append(named("b")), "1-0")
  })

  it.live("appends each of a thousand votes at once, in their order, under an id of its own", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const votes = Array.from({ length: 1_000 }, () => cast())
      const ids = yield* Effect.forEach(votes, (vote) => stream.append(vote), { concurrency: "unbounded" })
      const [{ client, stream: name } = assert.fail()] = (yield* Shards).current
      const entries = yield* Effect.promise(() => client.xrange(name, "-", "+"))
      assert.deepStrictEqual(
        entries.map(([id, fields]) => [id, fields[3]]),
        ids.map((id, index) => [id, votes[index]?.voteId])
      )
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("fails only the vote that Redis refuses, of those that go together", () =>
    Effect.gen(function* () {
      const [shard = assert.fail()] = (yield* Shards).current
      const record = (key: string) => keyRecord(shard, { poll: "cats-or-dogs", key })
      yield* Effect.promise(() => shard.client.lpush(record("broken"), "no record"))
      const { append } = makeAppender(shard, () => 60_000)
      const vote = cast()
      const answers = yield* Effect.promise(() =>
        outcomes([
          append(cast()),
          append(cast(), { record: record("broken") }),
          append(vote, { record: record("whole") }),
          append(cast("dogs"), { record: record("whole") })
        ])
      )
      assert.match(answers[0] ?? "", /^\d+-\d+$/)
      assert.match(answers[1] ?? "", /^WRONGTYPE/)
      assert.match(answers[2] ?? "", new RegExp(`^\\d+-\\d+ ${vote.voteId} cats$`))
      assert.strictEqual(answers[3], answers[2])
      assert.strictEqual(yield* Effect.promise(() => shard.client.xlen(shard.stream)), 2)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("gives an entry the fields that a vote is encoded as, whatever it has beside", () =>
    Effect.gen(function* () {
      const [shard = assert.fail()] = (yield* Shards).current
      const { append } = makeAppender(shard, () => 60_000)
      const votes = [undefined, "YW5u"].flatMap((voter) =>
        [undefined, traceparent].flatMap((trace) =>
          [false, true].map((keyed) => ({ vote: { ...cast(), ...(voter && { voter }) }, trace, keyed }))
        )
      )
      const answers = yield* Effect.promise(() =>
        Promise.all(
          votes.map(({ keyed, trace, vote }) => {
            const record = keyed ? keyRecord(shard, { poll: vote.poll, key: vote.voteId }) : undefined
            return append(vote, { n: keyed ? keyProof(vote.voteId, "key") : undefined, traceparent: trace, record })
          })
        )
      )
      const entries = yield* Effect.promise(() => shard.client.xrange(shard.stream, "-", "+"))
      assert.deepStrictEqual(
        entries,
        votes.map(({ keyed, trace, vote }, index) => {
          const n = keyed ? keyProof(vote.voteId, "key") : undefined
          return [answers[index]?.split(" ")[0], encodeVote(vote, { n, traceparent: trace })]
        })
      )
    }).pipe(Effect.provide(layerServers()))
  )
})
