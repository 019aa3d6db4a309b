import { execFileSync } from "node:child_process"
import { appendFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { postgresFolder } from "../../src/embedded/PostgresFolder.ts"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { launchProgram, type Program, startApi } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { own, ownRedis } from "./ownServer.ts"
import { makeSite, patiently, type Site, untilReady } from "./site.ts"

/** A PostgreSQL with a backup: a copy of its files. */
const backedUpPostgres = Effect.gen(function* () {
  const [dataDir, backupDir] = [yield* dataFolder, yield* dataFolder]
  const postgres = yield* own(startPostgres, dataDir)
  const [data, backup] = [join(postgresFolder(dataDir).folder, "data"), join(backupDir, "data")]
  // With the modes and the owner that the server needs.
  const copy = (from: string, to: string) => Effect.sync(() => execFileSync("cp", ["-a", from, to]))
  return {
    ...postgres,
    backUp: Effect.gen(function* () {
      yield* postgres.crash
      yield* copy(data, backup)
      // As in any backup.
      rmSync(join(backup, "postmaster.pid"))
      yield* postgres.start
    }),
    /** Loses its disk, and brings the backup up as one is restored: with a timeline of its own. */
    lose: postgres.crash,
    restore: Effect.gen(function* () {
      rmSync(data, { recursive: true })
      yield* copy(backup, data)
      appendFileSync(join(data, "postgresql.auto.conf"), "restore_command = 'false'\n")
      writeFileSync(join(data, "recovery.signal"), "")
      yield* postgres.start
    })
  }
})

/** Reads live results, and returns the ids of the events so far, with what the last one said. */
const watch = Effect.fnUntraced(function* (url: string) {
  const abort = yield* Effect.acquireRelease(
    Effect.sync(() => new AbortController()),
    (controller) => Effect.sync(() => controller.abort())
  )
  let text = ""
  const read = async () => {
    const { body } = await fetch(`${url}/api/results/stream`, { signal: abort.signal })
    for await (const chunk of body ?? []) text += Buffer.from(chunk).toString()
  }
  read().catch(() => undefined)
  return () => ({
    // While PostgreSQL recovers, it can't tell the epoch.
    epochs: new Set([...text.matchAll(/^id: \d+-(?!00000000)(\w+)$/gm)].map(([, epoch]) => epoch)),
    total: Number([...text.matchAll(/"total_votes":(\d+)/g)].at(-1)?.[1])
  })
})

const votes = (url: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () => Effect.map(vote(url, "cats"), ({ status }) => assert.strictEqual(status, 201)),
    { concurrency: 8, discard: true }
  )

const totalIs = (url: string, votes: number) =>
  patiently(Effect.map(get(`${url}/api/results`), ({ body }) => assert.strictEqual(body.total_votes, votes)))

/** Runs a command to its end, and returns how it ended and the JSON that it printed. */
const run = Effect.fnUntraced(function* ({ env }: Site, ...args: ReadonlyArray<string>) {
  const program: Program = yield* launchProgram([...args, "--json"], { env })
  const { code } = yield* program.ended
  return { code, report: program.stdout() === "" ? {} : JSON.parse(program.stdout()), said: program.stderr() }
})

describe("a PostgreSQL that is restored to a backup", () => {
  it.live.each([{ retention: "1h" }, { retention: "0" }])(
    "is brought up to date from what Redis still holds, and the rest is named by number (STREAM_RETENTION=$retention)",
    ({ retention }) =>
      Effect.gen(function* () {
        const [redis, postgres] = yield* Effect.all([ownRedis, backedUpPostgres], { concurrency: 2 })
        const site = yield* makeSite({ redisUrl: redis.url, databaseUrl: postgres.url })
        const { url } = yield* startApi("all", { env: { ...site.env, STREAM_RETENTION: retention } })
        yield* untilReady(url)
        yield* votes(url, 100)
        yield* totalIs(url, 100)
        yield* postgres.backUp
        yield* untilReady(url)
        const watched = yield* watch(url)

        // These are counted after the backup; without retention most of them leave Redis then.
        yield* votes(url, 400)
        yield* totalIs(url, 500)
        if (retention === "0") {
          yield* patiently(
            Effect.map(
              Effect.promise(() => site.redis.xlen(site.stream)),
              (length) => assert.isAtMost(length, 100)
            )
          )
        }
        yield* postgres.lose
        // And these wait.
        yield* votes(url, 30)
        yield* postgres.restore
        yield* totalIs(url, 130)

        const before = yield* run(site, "audit")
        assert.strictEqual(before.code, 1)
        assert.deepInclude(before.report, { appended: 530, pending: 0, missing: 400 })
        const { code, report, said } = yield* run(site, "recount", "--from", "all", "--yes")
        assert.strictEqual(code, 0, said)
        const gone = 400 - report.counted
        assert.strictEqual(gone === 0, retention === "1h")
        assert.match(said, gone === 0 ? /holds 530; none is gone/ : /the \d+ before those are gone/)
        yield* totalIs(url, 530 - gone)
        // An open page follows, though the revision has fallen.
        yield* patiently(
          Effect.sync(() => {
            const { epochs, total } = watched()
            assert.strictEqual(total, 530 - gone)
            assert.strictEqual(epochs.size, 2)
          })
        )

        const after = yield* run(site, "audit")
        assert.deepInclude(after.report, { ok: gone === 0, appended: 530, duplicate_entries: 0, missing: gone })
        assert.strictEqual(after.code, gone === 0 ? 0 : 1)
        const accepted = yield* run(site, "audit", "accept", "--reason", "restored from last night", "--by", "ann")
        if (gone === 0) {
          assert.strictEqual(accepted.code, 1)
          assert.include(accepted.said, "nothing to accept")
        } else {
          assert.deepInclude(accepted.report.accepted[0], {
            missing: gone,
            by: "ann",
            reason: "restored from last night"
          })
        }
        yield* votes(url, 1)
        yield* totalIs(url, 531 - gone)
        assert.deepInclude(yield* run(site, "audit"), { code: 0 })
      }).pipe(Effect.scoped)
  )
})

describe("a Redis that is restored to an older copy", () => {
  it.live(
    "gives out again what was counted already, which changes nothing, and the ledger's surplus can be accepted",
    () =>
      Effect.gen(function* () {
        const site = yield* makeSite()
        const { redis, stream } = site
        const { url } = yield* startApi("all", { env: { ...site.env, STREAM_RETENTION: "1h" } })
        yield* untilReady(url)
        yield* votes(url, 50)
        yield* totalIs(url, 50)
        const copy = yield* Effect.promise(() => redis.dumpBuffer(stream))
        yield* votes(url, 20)
        yield* totalIs(url, 70)
        yield* Effect.promise(() => redis.restore(stream, 0, copy, "REPLACE"))
        yield* votes(url, 5)
        yield* totalIs(url, 75)
        const { code, report } = yield* run(site, "audit")
        assert.deepInclude(report, { ok: false, appended: 55, duplicate_entries: 0, pending: 0, missing: -20 })
        assert.strictEqual(code, 1)
        const accepted = yield* run(site, "audit", "accept", "--reason", "Redis came back from a copy")
        assert.deepInclude(accepted, { code: 0 })
        assert.match(accepted.report.accepted[0].by, /^.+@.+$/)
        assert.deepInclude(yield* run(site, "recount", "--from", "all", "--yes"), { code: 0 })
        assert.deepInclude(yield* run(site, "audit"), { code: 0 })
      }).pipe(Effect.scoped)
  )
})
