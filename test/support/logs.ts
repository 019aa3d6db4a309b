import { gunzipSync } from "node:zlib"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Fold } from "../../src/domain/log/Fold.ts"
import { parseLeaf } from "../../src/domain/log/ParseLeaf.ts"
import { decodeBundle, Edge, tilesOf, tileWidth } from "../../src/domain/log/Tile.ts"
import { leafHash } from "../../src/domain/log/Tree.ts"
import { LogHeads } from "../../src/ledger/LogHeads.ts"
import { LogQueue } from "../../src/ledger/LogQueue.ts"
import { LogStore } from "../../src/ledger/LogStore.ts"
import { inSnapshot } from "../../src/ledger/Transaction.ts"
import { checkLog } from "../../src/log/CheckLog.ts"
import { sha256 } from "../../src/log/Hashes.ts"
import { makeSequencing } from "../../src/log/Sequencer.ts"

export const layerLogs = Layer.mergeAll(LogQueue.layer, LogHeads.layer, LogStore.layer)

/** Brings all that is queued into the logs. */
export const sequenceAll = Effect.flatMap(makeSequencing("logs.test"), (sequence) =>
  Effect.repeat(sequence, { until: (rows) => rows === 0 })
)

/** Has the program check a poll's log. */
export const checked = Effect.fnUntraced(function* (poll: string) {
  const check = Effect.gen(function* () {
    const head = (yield* (yield* LogHeads).list(poll)).at(-1) ?? assert.fail(`${poll} has no log`)
    return yield* checkLog(head, () => Effect.void)
  })
  return yield* inSnapshot(yield* SqlClient.SqlClient)(check)
})

/** Reads the leaves of a poll's log, once its tiles, its bundles and its head are known to agree. */
export const readLeaves = Effect.fnUntraced(function* (poll: string, number = 1) {
  const heads = yield* LogHeads
  const store = yield* LogStore
  const head = (yield* heads.list(poll)).find((one) => one.number === number) ?? assert.fail(`${poll} has no log`)
  const leaves: Array<string> = []
  const tiles = new Map<string, string>()
  const edge = new Edge(sha256, (level, index, tile) =>
    tiles.set(`${level}/${index}`, Buffer.from(tile).toString("hex"))
  )
  for (let index = 0; index * tileWidth < head.size; index++) {
    const bundle = yield* store.tile({ poll, number }, "entries", index)
    const { bytes, gzipped } = bundle ?? assert.fail(`bundle ${index} is missing`)
    assert.strictEqual(gzipped, (index + 1) * tileWidth <= head.size)
    for (const leaf of decodeBundle(gzipped ? gunzipSync(bytes) : bytes) ?? assert.fail(`bundle ${index} is none`)) {
      leaves.push(Buffer.from(leaf).toString("utf8"))
      edge.push(leafHash(sha256, leaf))
    }
  }
  for (const [level, tile] of edge.tiles().entries()) {
    if (tile.length > 0)
      tiles.set(`${level}/${Math.floor(edge.size / 256 ** (level + 1))}`, Buffer.from(tile).toString("hex"))
  }
  assert.strictEqual(leaves.length, head.size)
  assert.deepStrictEqual(edge.root(), new Uint8Array(head.root))
  for (const { index, level } of tilesOf(head.size)) {
    const stored = yield* store.tile({ poll, number }, level, index)
    assert.strictEqual(
      Buffer.from(stored?.bytes ?? []).toString("hex"),
      tiles.get(`${level}/${index}`),
      `${level}/${index}`
    )
  }
  return leaves
})

/** Holds a poll's log and the ledger together: the same votes, each with the same status and choice, and the same counts. */
export const expectLogged = Effect.fnUntraced(function* (poll: string, number = 1) {
  const sql = yield* SqlClient.SqlClient
  const leaves = yield* readLeaves(poll, number)
  const fold = new Fold(sha256)
  const votes = new Map<string, string>()
  for (const line of leaves) {
    fold.add(line)
    const leaf = parseLeaf(line) ?? assert.fail(`${line} is no leaf`)
    if (!("t" in leaf)) votes.set(leaf.id, leaf.s)
  }
  const rows = yield* sql<{ id: Uint8Array; status: string; choice: string | null }>`
    select substr(sha256(l.secret || convert_to(v.vote_id::text, 'UTF8')), 1, 16) as id, v.status, v.choice
    from vote v join log l on l.poll = v.poll and l.number = ${number}::int where v.poll = ${poll}`
  const found = new Map(
    // Each choice by the seed that was committed to when the vote came.
    [...votes].map(([id, status]) => [id, status === "dead" ? "dead" : `${status} ${fold.vote(id)?.choice}`] as const)
  )
  const wanted = new Map(
    rows.map(({ choice, id, status }) => [
      Buffer.from(id).toString("base64url"),
      status === "dead" ? "dead" : `${status} ${choice}`
    ])
  )
  assert.deepStrictEqual(new Map([...found].sort()), new Map([...wanted].sort()))
  const counts = yield* sql<{ id: string; count: number; sum: number }>`
    select option as id, count::int, sum::int from tally where poll = ${poll} order by position`
  const recounted = fold.recount()
  assert.deepStrictEqual(recounted.wrong, [])
  assert.deepStrictEqual(
    recounted.options,
    counts.map((row) => ({ ...row }))
  )
  return { leaves, fold, recounted }
})
