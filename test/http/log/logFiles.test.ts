import { gunzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { fromBase64url, toHex } from "../../../src/domain/log/Bytes.ts"
import { openChoice } from "../../../src/domain/log/Leaf.ts"
import { nodeSha256 } from "../../../src/domain/log/NodeSha256.ts"
import { openNote } from "../../../src/domain/log/Note.ts"
import { parseLeaf } from "../../../src/domain/log/ParseLeaf.ts"
import { checkProof, parseProof } from "../../../src/domain/log/Proof.ts"
import { decodeBundle } from "../../../src/domain/log/Tile.ts"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { makeVoteId } from "../../../src/domain/Vote.ts"
import { assertProblem, layerApi, request } from "../../support/api.ts"
import { MemoryLog, makeSigner } from "../../support/memoryLog.ts"
import { serverPort } from "../../support/wire.ts"
import { freshWorld } from "../../support/world.ts"

const path = "/api/polls/cats-or-dogs/log"

/** A log of 1,000 votes and the poll, in the world of the server. */
const withLog = (options: ConstructorParameters<typeof MemoryLog>[1] = {}, votes = 1_000) =>
  Effect.gen(function* () {
    const world = yield* freshWorld
    const log = new MemoryLog(defaultPoll, options)
    const cast = Array.from({ length: votes }, (_, at) => ({
      voteId: makeVoteId(),
      choice: at % 3 === 0 ? "cats" : "dogs",
      ...(at % 2 === 0 ? { key: `key-${at}` } : {})
    }))
    for (const vote of cast) log.count(vote)
    log.sign()
    world.logs = [log]
    return { log, cast, world }
  })

/** Asks for bytes as they are sent. */
const bytesAt = (file: string, headers: Readonly<Record<string, string>> = { "accept-encoding": "identity" }) =>
  Effect.flatMap(serverPort, (port) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${path}/${file}`, { headers })
      return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
    })
  )

layer(layerApi({ readLimit: { votes: 5, seconds: 60 } }), { excludeTestServices: true })("a poll's log", (it) => {
  it.effect("is to be had as tlog-tiles has it, by pages of any origin and without the limit of reads", () =>
    Effect.gen(function* () {
      const { log } = yield* withLog()
      const origin = { origin: "https://auditor.example" }
      const checkpoint = yield* request("GET", `${path}/checkpoint`, { headers: origin })
      assert.strictEqual(checkpoint.status, 200)
      assert.deepInclude(checkpoint.headers, {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-cache",
        "access-control-allow-origin": "*"
      })
      const text = yield* Effect.promise(() => openNote(checkpoint.body, log.signers))
      assert.match(text ?? "", /^votes\.example\/api\/polls\/cats-or-dogs\/log\n1001\n/)
      const again = yield* request("GET", `${path}/checkpoint`, {
        headers: { "if-none-match": checkpoint.headers.etag ?? "" }
      })
      assert.strictEqual(again.status, 304)
      const key = yield* request("GET", `${path}/key`)
      assert.strictEqual(key.body, `${log.vkeys.join("\n")}\n`)

      const immutable = "public, max-age=31536000, immutable"
      const partial = yield* bytesAt("tile/0/003.p/233")
      assert.strictEqual(partial.bytes.length, 233 * 32)
      for (const width of [1, 100, 232]) {
        const narrower = yield* bytesAt(`tile/0/003.p/${width}`)
        assert.strictEqual(toHex(narrower.bytes), toHex(partial.bytes.subarray(0, width * 32)))
        const bundle = yield* bytesAt(`tile/entries/003.p/${width}`)
        assert.deepStrictEqual(
          decodeBundle(bundle.bytes)?.map((leaf) => Buffer.from(leaf).toString()),
          log.leaves.slice(768, 768 + width)
        )
      }
      const slice = yield* bytesAt("tile/entries/000.p/7")
      assert.strictEqual(decodeBundle(slice.bytes)?.length, 7)
      assert.strictEqual((yield* bytesAt("tile/0/000.p/255")).bytes.length, 255 * 32)
      assert.strictEqual((yield* bytesAt("tile/1/000.p/3")).bytes.length, 3 * 32)
      const full = yield* bytesAt("tile/0/002")
      assert.strictEqual(full.headers.get("cache-control"), immutable)
      assert.strictEqual(full.headers.get("access-control-allow-origin"), "*")
      assert.strictEqual(full.headers.get("content-type"), "application/octet-stream")
      assert.strictEqual(full.bytes.length, 8_192)
    })
  )

  it.effect("has its leaves compressed for who takes that", () =>
    Effect.gen(function* () {
      const { log } = yield* withLog()
      for (const file of ["tile/entries/000", "tile/entries/003.p/10"]) {
        const zipped = yield* request("GET", `${path}/${file}`, { headers: { "accept-encoding": "gzip" } })
        assert.strictEqual(zipped.headers["content-encoding"], "gzip")
        assert.strictEqual(zipped.headers.vary?.includes("Accept-Encoding"), true)
        const unzipped = yield* bytesAt(file, { "accept-encoding": "gzip" })
        const plain = yield* bytesAt(file)
        assert.isNull(plain.headers.get("content-encoding"))
        assert.strictEqual(toHex(unzipped.bytes), toHex(plain.bytes))
      }
      const stored = log.tile("entries", 0)
      const plain = yield* bytesAt("tile/entries/000")
      assert.strictEqual(toHex(plain.bytes), toHex(gunzipSync(stored?.bytes ?? new Uint8Array())))
    })
  )

  it.effect("has nothing else, and says so to pages of any origin", () =>
    Effect.gen(function* () {
      const { world } = yield* withLog()
      const files = [
        "tile/0/004",
        "tile/0/003",
        "tile/0/003.p/234",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/entries/003",
        "tile/entries/003.p/234",
        "tile/0/0",
        "tile/0/000.p/256",
        "tile/00/000",
        "tile/0/x000/000"
      ]
      for (const file of files) {
        const answer = yield* request("GET", `${path}/${file}`)
        assertProblem(answer, 404)
        assert.strictEqual(answer.headers["access-control-allow-origin"], "*", file)
        assert.strictEqual(answer.headers["cache-control"], "no-store")
      }
      world.database = "away"
      const away = yield* request("GET", `${path}/tile/0/000`)
      assertProblem(away, 503)
      assert.strictEqual(away.headers["retry-after"], "1")
    })
  )
})

layer(layerApi(), { excludeTestServices: true })("other logs", (it) => {
  it.effect("are not there, or are later ones of the poll", () =>
    Effect.gen(function* () {
      const { world } = yield* withLog({}, 3)
      for (const file of ["2/checkpoint", "1/checkpoint", "02/checkpoint", "other", "2/", "2/key"]) {
        assertProblem(yield* request("GET", `${path}/${file}`), 404)
      }
      assertProblem(yield* request("GET", "/api/polls/tea-or-coffee/log/checkpoint"), 404)
      world.logs = [...world.logs, new MemoryLog(defaultPoll, { number: 2 })]
      const [, second] = world.logs
      second?.sign()
      const found = yield* request("GET", `${path}/2/checkpoint`)
      assert.match(found.body, /^votes\.example\/api\/polls\/cats-or-dogs\/log\/2\n1\n/)
      assert.strictEqual((yield* request("GET", `${path}/2/tile/0/000.p/1`)).status, 200)
      const options = yield* request("OPTIONS", `${path}/2/tile/0/000.p/1`)
      assert.strictEqual(options.headers.allow, "GET, HEAD, OPTIONS")
      assertProblem(yield* request("DELETE", `${path}/2/tile/0/000.p/1`), 405)
    })
  )

  it.effect("have two keys while one replaces the other", () =>
    Effect.gen(function* () {
      const { log } = yield* withLog({}, 3)
      const [signer] = log.signers
      log.signers.push(makeSigner(signer?.name ?? ""))
      assert.strictEqual((yield* request("GET", `${path}/key`)).body.split("\n").length, 3)
    })
  )
})

layer(layerApi(), { excludeTestServices: true })("a vote's proof", (it) => {
  const ask = (voteId: string, key?: string) =>
    request("GET", `/api/votes/${voteId}/proof`, { headers: key === undefined ? {} : { "idempotency-key": key } })

  it.effect("holds, and is for who knows the key", () =>
    Effect.gen(function* () {
      const { cast, log } = yield* withLog()
      for (const at of [0, 1, 254, 255, 256, 510, 767, 999]) {
        const { choice, key, voteId } = cast[at] ?? assert.fail()
        const answer = yield* ask(voteId, key)
        assert.strictEqual(answer.status, 200, answer.body)
        assert.strictEqual(answer.headers["cache-control"], "no-store")
        assert.isUndefined(answer.headers["choice-key"])
        const proof = parseProof(answer.body) ?? assert.fail(answer.body)
        assert.strictEqual((yield* Effect.promise(() => checkProof(nodeSha256, proof, log.signers)))?.size, 1_001)
        assert.strictEqual(proof.index, at + 1)
        const leaf = parseLeaf(Buffer.from(proof.leaf).toString())
        assert.deepInclude(leaf, { o: choice })
        if (key === undefined) continue
        for (const other of [undefined, "another"]) assertProblem(yield* ask(voteId, other), 404)
      }
    })
  )

  it.effect("comes with what opens a hidden choice", () =>
    Effect.gen(function* () {
      const { cast } = yield* withLog({ hidden: true }, 10)
      const { choice, key, voteId } = cast[4] ?? assert.fail()
      const answer = yield* ask(voteId, key)
      const opens = fromBase64url(answer.headers["choice-key"] ?? "") ?? assert.fail()
      const leaf = parseLeaf(Buffer.from(parseProof(answer.body)?.leaf ?? assert.fail()).toString())
      const hidden = leaf !== undefined && !("t" in leaf) ? (leaf.c ?? "") : ""
      assert.strictEqual(openChoice(nodeSha256, opens, fromBase64url(hidden) ?? assert.fail()), choice)
    })
  )

  it.effect("is not there before a checkpoint has the vote, nor for what is no vote", () =>
    Effect.gen(function* () {
      const { log, world } = yield* withLog({}, 3)
      const late = { voteId: makeVoteId(), choice: "cats" }
      log.count(late)
      assertProblem(yield* ask(late.voteId), 404)
      world.receipts.set(late.voteId, { vote_id: late.voteId, poll: "cats-or-dogs", status: "counted" })
      const waits = yield* ask(late.voteId)
      assert.strictEqual(waits.status, 204)
      assert.strictEqual(waits.headers["retry-after"], "2")
      log.sign()
      assert.strictEqual((yield* ask(late.voteId.toUpperCase())).status, 200)
      assertProblem(yield* ask(makeVoteId()), 404)
      assertProblem(yield* ask("not-a-vote"), 422)
      world.database = "away"
      assertProblem(yield* ask(late.voteId), 503)
    })
  )
})
