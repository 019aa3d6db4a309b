import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { utf8 } from "../../../src/domain/log/Bytes.ts"
import { checkpointText, parseCheckpoint } from "../../../src/domain/log/Checkpoint.ts"
import { compareLog } from "../../../src/domain/log/ComparedLog.ts"
import { pollLeaf, resultLeaf } from "../../../src/domain/log/LogLeaves.ts"
import { nodeSha256 } from "../../../src/domain/log/NodeSha256.ts"
import { parseNote, signNote } from "../../../src/domain/log/Note.ts"
import { decodeBundle, encodeBundle, parseTilePath, widthAt } from "../../../src/domain/log/Tile.ts"
import { differences, type Told } from "../../../src/domain/log/ToldDifferences.ts"
import { type Kept, type LogSource, verifyLog } from "../../../src/domain/log/VerifyLog.ts"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { type PollView, toView } from "../../../src/domain/PollView.ts"
import { drawOrder } from "../../../src/domain/tabulation/Ties.ts"
import { MemoryLog, makeSigner } from "../../support/memoryLog.ts"

const size = 600

/** A log of votes for cats and dogs in turn, signed. */
const makeLog = (options: ConstructorParameters<typeof MemoryLog>[1] = {}, leaves = size) => {
  const log = new MemoryLog(defaultPoll, options)
  for (let vote = 0; log.leaves.length < leaves; vote++) {
    log.count({ voteId: `vote-${vote}`, choice: vote % 2 === 0 ? "cats" : "dogs" })
  }
  log.sign()
  return log
}

type Files = (path: string) => Uint8Array | undefined

/** Returns a log's files as they are served. */
const filesOf =
  (log: MemoryLog): Files =>
  (path) => {
    if (path === "checkpoint") return log.checkpoint === undefined ? undefined : utf8(log.checkpoint)
    if (path === "key") return utf8(`${log.vkeys.join("\n")}\n`)
    const name = parseTilePath(path) ?? assert.fail(path)
    const stored = log.tile(name.level, name.index)
    if (stored === undefined) return undefined
    const bytes = stored.gzipped ? gunzipSync(stored.bytes) : stored.bytes
    assert.isAtLeast(widthAt(name, log.leaves.length), name.width)
    return bytes
  }

const sourceOf = (files: Files): LogSource => ({ file: async (path) => files(path) })

const verify = (files: Files, kept?: Kept) => verifyLog(nodeSha256, sourceOf(files), kept)

const told = (cats: number, dogs: number, status = "open"): Told => ({
  title: defaultPoll.title,
  options: defaultPoll.options,
  results: {
    status,
    ballots: cats + dogs,
    abstained: 0,
    results: [
      { option: "dogs", count: dogs },
      { option: "cats", count: cats }
    ]
  }
})

/** Has one file changed on its way. */
const changing =
  (files: Files, changed: string, change: (bytes: Uint8Array) => Uint8Array | undefined): Files =>
  (path) =>
    path === changed ? change(files(path) ?? assert.fail(path)) : files(path)

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte))

describe("a whole log", () => {
  it("holds, and counts as the results do", async () => {
    const log = makeLog()
    const done: Array<number> = []
    const verified = await verifyLog(nodeSha256, {
      ...sourceOf(filesOf(log)),
      progress: (leaves, of) => done.push(leaves, of)
    })
    assert.deepStrictEqual(verified.wrong, [])
    assert.deepStrictEqual(done, [256, 600, 512, 600, 600, 600])
    assert.strictEqual(verified.checkpoint.size, 600)
    assert.deepStrictEqual(
      verified.counted.options.map(({ count }) => count),
      [300, 299]
    )
    assert.deepStrictEqual(differences(verified, told(300, 299)), [])
  })

  it("goes on from a checkpoint that was kept", async () => {
    const log = makeLog()
    const checkpoints = [log.checkpoint ?? assert.fail()]
    for (let vote = size; vote < size + 300; vote++) log.count({ voteId: `vote-${vote}`, choice: "cats" })
    log.sign()
    checkpoints.push(log.checkpoint ?? assert.fail())
    assert.deepStrictEqual((await verify(filesOf(log), { checkpoints, vkeys: log.vkeys })).wrong, [])
  })

  const rejected = async (files: Files, expected: RegExp, kept?: Kept) => {
    const { wrong } = await verify(files, kept)
    assert.match(wrong.join("; "), expected)
  }

  it("does not hold where a byte of it is another one", async () => {
    const files = filesOf(makeLog())
    const leaf = /not those that the checkpoint is of/
    await rejected(changing(files, "tile/entries/001", flipped), leaf)
    await rejected(changing(files, "tile/entries/002.p/88", flipped), leaf)
    await rejected(changing(files, "tile/0/001", flipped), /tile\/0\/001 is not what the leaves make/)
    await rejected(changing(files, "tile/1/000.p/2", flipped), /tile\/1\/000\.p\/2 is not what the leaves make/)
    await rejected(
      changing(files, "tile/0/001", () => undefined),
      /tile\/0\/001 is not what/
    )
  })

  it("does not hold where a leaf is missing, or another one is there", async () => {
    const files = filesOf(makeLog())
    const edit = (change: (leaves: Array<Uint8Array>) => void) => (bytes: Uint8Array) => {
      const leaves = [...(decodeBundle(bytes) ?? assert.fail())]
      change(leaves)
      return encodeBundle(leaves)
    }
    const missing = changing(
      files,
      "tile/entries/000",
      edit((leaves) => leaves.splice(5, 1))
    )
    await rejected(missing, /tile\/entries\/000 is not 256 leaves; the leaves are not those/)
    const swapped = changing(
      files,
      "tile/entries/000",
      edit((leaves) => leaves.splice(5, 2, ...leaves.slice(5, 7).reverse()))
    )
    await rejected(swapped, /not those that the checkpoint is of/)
    await rejected(
      changing(files, "tile/entries/000", () => undefined),
      /is not 256 leaves/
    )
  })

  it("does not hold under another key, another head or another name", async () => {
    const log = makeLog()
    const files = filesOf(log)
    const [signer = assert.fail()] = log.signers
    const unsigned = /not signed by the log's key/
    await rejected(files, unsigned, { vkeys: new MemoryLog(defaultPoll).vkeys })
    const other = (from: string, to: string): Files =>
      changing(files, "checkpoint", (note) => utf8(Buffer.from(note).toString().replace(from, to)))
    await rejected(other("\n600\n", "\n599\n"), unsigned)
    await rejected(other(signer.name, signer.name.replace("cats", "rats")), unsigned)
    // Signed by the key, and of another log by what it says.
    const head = parseCheckpoint(parseNote(log.checkpoint ?? "")?.text ?? "") ?? assert.fail()
    const elsewhere = utf8(signNote(checkpointText({ ...head, origin: `${head.origin}/2` }), [signer]))
    await rejected(
      changing(files, "checkpoint", () => elsewhere),
      unsigned
    )
    log.signers.splice(0, 1, { ...signer, sign: makeSigner(signer.name).sign })
    log.sign()
    await rejected(files, unsigned)
  })

  it("is not asked for file by file where it says that it has leaves without end", async () => {
    const log = makeLog()
    const head = parseCheckpoint(parseNote(log.checkpoint ?? "")?.text ?? "") ?? assert.fail()
    const endless = utf8(signNote(checkpointText({ ...head, size: 2 ** 50 }), log.signers))
    let asked = 0
    const files: Files = (path) => {
      if (path === "checkpoint") return endless
      if (path === "key") return filesOf(log)(path)
      assert.isBelow(asked++, 100)
      return undefined
    }
    await rejected(files, /tile\/entries\/000 is not 256 leaves; .*; the leaves are not those/)
  })

  it("does not go on from another history, nor from a longer one", async () => {
    const log = makeLog()
    const checkpoint = log.checkpoint ?? assert.fail()
    const kept = { checkpoints: [checkpoint], vkeys: log.vkeys }
    const fork = makeLog()
    fork.signers.splice(0, 1, ...log.signers)
    fork.leaves[7] = fork.leaves[8] ?? assert.fail()
    fork.sign()
    await rejected(filesOf(fork), /the first 600 leaves are not those of the checkpoint that was kept/, kept)
    // Whatever else was kept.
    const both = { ...kept, checkpoints: [checkpoint, fork.checkpoint ?? assert.fail()] }
    await rejected(filesOf(fork), /the first 600 leaves are not those of the checkpoint that was kept/, both)
    fork.leaves.length = 500
    fork.sign()
    await rejected(filesOf(fork), /the log had 600 leaves, and has 500 now/, kept)
    await rejected(filesOf(log), /not of this log's key/, {
      ...kept,
      checkpoints: [makeLog().checkpoint ?? assert.fail()]
    })
  })
})

/** Makes the log of a ranked poll that is final, whose two votes only a draw decides between; and what is told of it. */
const rankedTie = () => {
  const rules = { kind: "ranked", max: 2, method: "irv", seats: 1, tieBreak: "draw" } as const
  const tieSeed = "01".repeat(32)
  const tieSeedHash = Buffer.from(nodeSha256(Buffer.from(tieSeed, "hex"))).toString("hex")
  const log = new MemoryLog({ ...defaultPoll, rules, tieSeed, tieSeedHash })
  log.count({ voteId: "one", choice: "cats>dogs" })
  log.count({ voteId: "two", choice: "dogs" })
  log.append({ v: 1, t: "open", tie_seed: tieSeed })
  const options = ["cats", "dogs"].map((id) => ({ id, count: 1 }))
  log.append(resultLeaf("2026-11-24T20:15:00.000Z", 2, 0, options))
  log.sign()
  const [drawn = "", other = ""] = drawOrder(Buffer.from(tieSeed, "hex"), ["cats", "dogs"])
  const { results = assert.fail(), ...poll } = told(1, 1, "final")
  const toldOf = (winners: ReadonlyArray<string>, status = "final"): Told => ({
    ...poll,
    results: { ...results, status, winners }
  })
  return { drawn, log, other, toldOf }
}

describe("what the service tells beside the log", () => {
  it("is wrong where a tally is another one", async () => {
    const verified = await verify(filesOf(makeLog()))
    assert.deepStrictEqual(differences(verified, told(301, 298)), [
      "votes for cats: 300 by the log, 301 by the results",
      "votes for dogs: 299 by the log, 298 by the results"
    ])
    assert.deepStrictEqual(differences(verified, told(301, 299))[0], "ballots: 599 by the log, 600 by the results")
  })

  it("is wrong where labels are swapped, or the title is another one", async () => {
    const verified = await verify(filesOf(makeLog()))
    const [cats, dogs] = defaultPoll.options
    const options = [
      { id: "cats", label: dogs?.label ?? "" },
      { id: "dogs", label: cats?.label ?? "" }
    ]
    const wrong = ["the poll's title or options are not those of the log"]
    assert.deepStrictEqual(differences(verified, { ...told(300, 299), options }), wrong)
    assert.deepStrictEqual(differences(verified, { ...told(300, 299), title: "Dogs or cats?" }), wrong)
  })

  it("is wrong where a rule is another one, or what draws come from", async () => {
    const rules = { kind: "ranked", max: 2, method: "irv", seats: 1, tieBreak: "draw" } as const
    const [tieSeed, other] = ["01".repeat(32), "02".repeat(32)]
    const tieSeedHash = Buffer.from(nodeSha256(Buffer.from(tieSeed, "hex"))).toString("hex")
    const poll = { ...defaultPoll, rules, tieSeed, tieSeedHash }
    const log = new MemoryLog(poll)
    log.sign()
    const view = toView({ ...poll, finalMs: 1 }, 2)
    const { title } = view
    const compared = async (changed: Partial<PollView>) => {
      return differences(await verify(filesOf(log)), { title, options: view.options, poll: { ...view, ...changed } })
    }
    // Nobody can tell the seed before the log does.
    assert.deepStrictEqual(await compared({ tie_seed: other }), [])
    const { results } = told(0, 0, "final")
    const final = async () =>
      differences(await verify(filesOf(log)), { title, options: view.options, ...(results && { results }) })
    assert.deepStrictEqual(await final(), ["the result is final, and the log does not tell what draws come from"])
    log.append({ v: 1, t: "open", tie_seed: tieSeed })
    log.sign()
    assert.deepStrictEqual(await compared({}), [])
    assert.deepStrictEqual(await final(), [])
    assert.deepStrictEqual(await compared({ tie_seed: other }), [
      `tie_seed: ${tieSeed} by the log, ${other} by the poll`
    ])
    assert.deepStrictEqual(await compared({ tie_seed_hash: other, method: "stv", ballot: "once" }), [
      "method: irv by the log, stv by the poll",
      "ballot: open by the log, once by the poll",
      `tie_seed_hash: ${tieSeedHash} by the log, ${other} by the poll`
    ])
    assert.deepStrictEqual(await compared({ abstain: true }), ["abstain: none by the log, true by the poll"])
  })

  it("is wrong where others have won a ranked poll than by its rankings and its draw", async () => {
    const { drawn, log, other, toldOf } = rankedTie()
    const verified = await verify(filesOf(log))
    const differing = (winners: ReadonlyArray<string>, status?: string) =>
      differences(verified, toldOf(winners, status))
    assert.deepStrictEqual(differing([drawn]), [])
    assert.deepStrictEqual(differing([other]), [`winners: ${drawn} by the log, ${other} by the results`])
    // Until then another draw breaks the ties.
    assert.deepStrictEqual(differing([other], "open"), [])
  })

  it("is asked for again while a final result tells no winners yet, and wrong where it goes on like that", async () => {
    const { drawn, log, toldOf } = rankedTie()
    let asked = 0
    const compared = (from: number) =>
      compareLog({
        hash: nodeSha256,
        source: sourceOf(filesOf(log)),
        told: async () => toldOf(++asked >= from ? [drawn] : []),
        pause: async () => {}
      })
    assert.deepStrictEqual((await compared(3)).wrong, [])
    assert.strictEqual(asked, 3)
    assert.deepStrictEqual((await compared(99)).wrong, [`winners: ${drawn} by the log, none by the results`])
  })

  it("is wrong where the log's own final result is another one than its votes make", async () => {
    const log = makeLog()
    const options = [
      { id: "cats", count: 300 },
      { id: "dogs", count: 298 }
    ]
    log.append(resultLeaf("2026-11-24T20:15:00.000Z", 599, 0, options))
    log.sign()
    const verified = await verify(filesOf(log))
    assert.deepStrictEqual(differences(verified, told(300, 299, "final")), [
      "votes for dogs: 299 by the log, 298 by the log's own final result"
    ])
  })

  it("is wrong where abstentions or sums are others, by the results or by the log's own", async () => {
    const rules = { kind: "score", min: 0, max: 5, every: false } as const
    const log = new MemoryLog({ ...defaultPoll, rules, abstain: true })
    for (const [vote, choice] of ["cats:5", "cats:2", "-"].entries()) log.count({ voteId: `vote-${vote}`, choice })
    log.append(resultLeaf("2026-11-24T20:15:00.000Z", 3, 0, [{ id: "cats", count: 2, sum: 6 }]))
    log.sign()
    const results = { status: "final", ballots: 3, abstained: 2, results: [{ option: "cats", count: 2, sum: 8 }] }
    assert.deepStrictEqual(differences(await verify(filesOf(log)), { ...told(0, 0), results }), [
      "abstentions: 1 by the log, 0 by the log's own final result",
      "the sum of cats: 7 by the log, 6 by the log's own final result",
      "abstentions: 1 by the log, 2 by the results",
      "the sum of cats: 7 by the log, 8 by the results"
    ])
  })

  it("is not compared while choices are hidden, and is from the opening on", async () => {
    const log = makeLog({ hidden: true })
    assert.deepInclude((await verify(filesOf(log))).counted, { hidden: 599, ballots: 599 })
    assert.deepStrictEqual(differences(await verify(filesOf(log)), told(1, 2)), [])
    // Nor while the first votes wait to come into the log together; but at the end.
    const early = await verify(filesOf(makeLog({ hidden: true }, 1)))
    assert.deepStrictEqual(differences(early, told(1, 2)), [])
    assert.isNotEmpty(differences(early, told(1, 2, "final")))
    log.append({ v: 1, t: "open", seed: log.seed.toString("hex") })
    log.sign()
    const opened = await verify(filesOf(log))
    assert.deepStrictEqual(opened.wrong, [])
    assert.deepStrictEqual(differences(opened, told(300, 299)), [])
    assert.isNotEmpty(differences(opened, told(299, 300)))
  })

  it("is read again where the poll is final, and its log has not its end yet", async () => {
    const log = makeLog({}, 3)
    const { moving, wrong } = await compareLog({
      hash: nodeSha256,
      source: sourceOf(filesOf(log)),
      told: async () => told(2, 1, "final"),
      pause: async () => {
        log.count({ voteId: "the last", choice: "cats" })
        log.sign()
      }
    })
    assert.deepStrictEqual({ moving, wrong }, { moving: false, wrong: [] })
  })

  it("may be newer words for the same options", async () => {
    const log = makeLog()
    log.append(pollLeaf({ ...defaultPoll, title: "Dogs or cats?" }))
    log.sign()
    const verified = await verify(filesOf(log))
    assert.deepStrictEqual(differences(verified, { ...told(300, 299), title: "Dogs or cats?" }), [])
  })
})
