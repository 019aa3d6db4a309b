import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { resultLeaf } from "../../src/domain/log/LogLeaves.ts"
import { defaultPoll, type Poll } from "../../src/domain/Poll.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { layerApi, request } from "../support/api.ts"
import { MemoryLog, makeSigner } from "../support/memoryLog.ts"
import { eventually } from "../support/servers.ts"
import { serverPort } from "../support/wire.ts"
import { freshWorld, type World } from "../support/world.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "tallykeep-verify-"))

const run = (command: string, args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
    const child = spawn(command, [...args], { cwd: root })
    let output = ""
    child.stdout.on("data", (chunk) => (output += chunk))
    child.stderr.on("data", (chunk) => (output += chunk))
    child.on("error", () => resume(Effect.succeed({ code: null, output: "" })))
    child.on("close", (code) => resume(Effect.succeed({ code, output })))
    return Effect.sync(() => child.kill())
  })

/** Has the tally say so, and waits until the results do, which are read anew a second later. */
const count = Effect.fnUntraced(function* (world: World["Service"], cats: number, dogs: number) {
  world.counts = [
    { option: "cats", count: cats },
    { option: "dogs", count: dogs }
  ]
  const shown = Effect.map(request("GET", "/api/results"), ({ body }) => body)
  yield* eventually(Effect.map(shown, (body) => assert.include(body, `"cats","count":${cats},`)))
  yield* eventually(Effect.map(shown, (body) => assert.include(body, `"dogs","count":${dogs},`)))
})

/** A log of two votes for cats to one for dogs, as the world's tally has it. */
const withLog = (poll: Poll = defaultPoll, options: ConstructorParameters<typeof MemoryLog>[1] = {}) =>
  Effect.gen(function* () {
    const world = yield* freshWorld
    const log = new MemoryLog(poll, options)
    const cast = Array.from({ length: 900 }, (_, at) => ({
      voteId: makeVoteId(),
      choice: at % 3 < 2 ? "cats" : "dogs",
      key: `key-${at}`
    }))
    for (const vote of cast) log.count(vote)
    log.sign()
    world.logs = [log]
    world.counts = [
      { option: "cats", count: 600 },
      { option: "dogs", count: 300 }
    ]
    world.finalMs = 1_732_000_000_000
    return { cast, log, world }
  })

const address = Effect.map(serverPort, (port) => `http://127.0.0.1:${port}`)

const verify = (...args: ReadonlyArray<string>) =>
  Effect.flatMap(address, (base) => run("script/verify", [`${base}/polls/cats-or-dogs`, ...args]))

layer(layerApi(), { excludeTestServices: true })("script/verify", (it) => {
  it.effect("says that all of it holds, and goes on from what was kept", () =>
    Effect.gen(function* () {
      const { cast, log, world } = yield* withLog()
      const [checkpoint, proof] = [join(folder, "kept.checkpoint"), join(folder, "vote.tlog-proof")]
      const first = yield* verify("--save", checkpoint)
      assert.strictEqual(first.code, 0, first.output)
      assert.match(first.output, /leaves {5}901\n[\s\S]* {2}cats: 600\n {2}dogs: 300\nAll of it holds\.\n/)
      assert.strictEqual(readFileSync(checkpoint, "utf8"), log.checkpoint)
      const { key, voteId } = cast[700] ?? assert.fail()
      writeFileSync(
        proof,
        (yield* request("GET", `/api/votes/${voteId}/proof`, { headers: { "idempotency-key": key } })).body
      )
      log.decide(voteId, "dead")
      log.sign()
      yield* count(world, 599, 300)
      const second = yield* verify("--checkpoint", checkpoint, "--proof", proof, "--key", log.vkeys[0] ?? "")
      assert.strictEqual(second.code, 0, second.output)
    })
  )

  it.effect("says what does not: a tally, a label, a leaf, a proof, a key", () =>
    Effect.gen(function* () {
      const { log, world } = yield* withLog()
      // Nothing comes after its end, which would be waited for.
      log.append(
        resultLeaf("2026-11-24T20:15:00.000Z", 900, 0, [
          { id: "cats", count: 600 },
          { id: "dogs", count: 300 }
        ])
      )
      log.sign()
      const failing = (expected: RegExp, ...args: ReadonlyArray<string>) =>
        Effect.map(verify(...args), ({ code, output }) => {
          assert.match(output, expected)
          assert.strictEqual(code, 1, output)
        })
      const proof = join(folder, "wrong.tlog-proof")
      writeFileSync(proof, "c2sp.org/tlog-proof@v1\n")
      yield* failing(/WRONG: .*wrong.tlog-proof does not prove/, "--proof", proof)
      yield* failing(/WRONG: the checkpoint is not signed/, "--key", new MemoryLog(defaultPoll).vkeys[0] ?? "")
      yield* count(world, 601, 299)
      yield* failing(/WRONG: votes for cats: 600 by the log, 601 by the results/)
      yield* count(world, 600, 300)
      const [kept = ""] = log.leaves
      log.leaves[0] = kept.replace("Cats", "Dogs")
      log.sign()
      yield* failing(/WRONG: the poll's title or options are not those of the log/)
      log.leaves[0] = kept
      log.sign()
      log.leaves.splice(5, 1)
      yield* failing(/WRONG: tile\/entries\/003\.p\/134 is not 134 leaves/)
    })
  )

  it.effect("compares what is told where results are hidden, and no choice is", () =>
    Effect.gen(function* () {
      const { world } = yield* withLog()
      const poll: Poll = { ...defaultPoll, slug: "later", results: "after_close" }
      const log = new MemoryLog(poll)
      log.sign()
      world.polls = [poll]
      world.logs = [log]
      yield* eventually(Effect.map(request("GET", "/api/polls/later"), ({ status }) => assert.strictEqual(status, 200)))
      const { code, output } = yield* run("script/verify", [`${yield* address}/polls/later`])
      assert.strictEqual(code, 0, output)
    })
  )

  it.effect("does not take a log for wrong whose first votes wait to come into it together", () =>
    Effect.gen(function* () {
      const { world } = yield* withLog()
      const log = new MemoryLog(defaultPoll, { hidden: true })
      log.sign()
      world.logs = [log]
      world.finalMs = undefined
      yield* eventually(Effect.map(request("GET", "/api/results"), ({ body }) => assert.include(body, '"open"')))
      const { code, output } = yield* verify()
      assert.strictEqual(code, 0, output)
      assert.match(output, /ballots {4}0\n[\s\S]*the latest may not be in the log[\s\S]*\nThe log holds\.\n$/)
    })
  )

  it.effect("can't tell without a log, nor without a service", () =>
    Effect.gen(function* () {
      const { world } = yield* withLog()
      world.logs = []
      const none = yield* verify()
      assert.strictEqual(none.code, 2, none.output)
      assert.match(none.output, /there is no log at/)
      assert.strictEqual((yield* run("script/verify", ["http://127.0.0.1:9/polls/x"])).code, 2)
      assert.strictEqual((yield* run("script/verify", ["nowhere"])).code, 2)
    })
  )
})

/** The block of Python in the document. */
const fold = /```python\n(.*?)```/s.exec(readFileSync(join(root, "docs/verify.md"), "utf8"))?.[1] ?? ""

layer(layerApi(), { excludeTestServices: true })("the fold of docs/verify.md", (it) => {
  it.effect("counts what we count, opened or not", ({ skip }) =>
    Effect.gen(function* () {
      if ((yield* run("python3", ["--version"])).code !== 0) skip("there is no python3 here")
      const file = join(folder, "fold.py")
      writeFileSync(file, fold)
      const counts = Effect.flatMap(address, (base) => run("python3", [file, `${base}/api/polls/cats-or-dogs/log`]))
      const { cast, log } = yield* withLog()
      log.decide(cast[0]?.voteId ?? "", "rejected")
      log.sign()
      assert.strictEqual((yield* counts).output, "599 cats\n300 dogs\n")
      const hidden = yield* withLog(defaultPoll, { hidden: true })
      assert.strictEqual((yield* counts).output, "900 (hidden)\n")
      hidden.log.append({ v: 1, t: "open", seed: hidden.log.seed.toString("hex") })
      hidden.log.signers.push(makeSigner("another.example"))
      hidden.log.sign()
      assert.strictEqual((yield* counts).output, "600 cats\n300 dogs\n")
    })
  )
})
