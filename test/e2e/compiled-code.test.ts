import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dataFolder } from "../support/dataFolder.ts"
import { launchProgram, startApi } from "../support/processes.ts"
import { makeSite, patiently } from "./site.ts"

/** Runs a short command that keeps its compiled code in `folder`. */
const run = Effect.fnUntraced(function* (folder: string) {
  const program = yield* launchProgram(["--version"], { env: { NODE_COMPILE_CACHE: folder } })
  assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
  assert.match(program.stdout(), /^tallykeep v\d/)
  assert.strictEqual(program.stderr(), "")
})

const listKept = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("program-"))

const find = (folder: string): string => {
  const [kept, ...others] = listKept(folder)
  assert.deepStrictEqual(others, [])
  assert.isDefined(kept)
  return join(folder, String(kept))
}

/** Identifies a file: one that was written anew has another identity. */
const identity = (file: string) => statSync(file).ino

const damage = (file: string): void => {
  const bytes = readFileSync(file)
  for (let at = 1_000; at < bytes.length; at += 1_000) bytes[at] = ~(bytes[at] ?? 0)
  writeFileSync(file, bytes)
}

describe("compiled code", () => {
  it.live("is kept by a start and taken by the next, and made anew where it can't be used", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      yield* run(folder)
      const file = find(folder)
      const kept = identity(file)
      yield* run(folder)
      assert.strictEqual(identity(find(folder)), kept)
      const ways = {
        damaged: damage,
        "broken off": () => writeFileSync(file, readFileSync(file).subarray(0, 5_000)),
        empty: () => writeFileSync(file, ""),
        "what others may have written": () => chmodSync(file, 0o666)
      }
      for (const [what, spoil] of Object.entries(ways)) {
        const former = statSync(file)
        spoil(file)
        yield* run(folder)
        const { ino, mode, size } = statSync(file)
        assert.notStrictEqual(ino, former.ino, what)
        assert.deepStrictEqual([mode, size > 5_000], [former.mode, true], what)
      }
    })
  )

  it.live("is turned off by Node's own setting", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const env = { NODE_COMPILE_CACHE: folder, NODE_DISABLE_COMPILE_CACHE: "1" }
      const program = yield* launchProgram(["--version"], { env })
      assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
      assert.deepStrictEqual(listKept(folder), [])
    })
  )

  it.live("is told of in the metrics, and in the log where it can't be used or kept", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const site = yield* makeSite()
      const start = (env: Readonly<Record<string, string>> = {}) =>
        startApi("api", { env: { ...site.env, NODE_COMPILE_CACHE: folder, ...env } })
      const expectState = (url: string, state: string) =>
        Effect.promise(async () => {
          const metrics = await (await fetch(`${url}/metrics`)).text()
          assert.include(metrics, `tallykeep_compiled_code{state="${state}"} 1`)
        })

      const first = yield* start()
      yield* expectState(first.url, "made")
      yield* patiently(Effect.sync(() => find(folder)))
      const second = yield* start()
      yield* expectState(second.url, "used")
      const off = yield* start({ NODE_DISABLE_COMPILE_CACHE: "1" })
      yield* expectState(off.url, "off")

      damage(find(folder))
      const third = yield* start()
      yield* expectState(third.url, "made")
      yield* third.says(/Compiled code: .* is damaged/)
      for (const program of [first, second, off]) assert.notInclude(program.stdout(), "Compiled code")

      const file = join(folder, "file")
      writeFileSync(file, "")
      const nowhere = yield* start({ NODE_COMPILE_CACHE: file })
      yield* expectState(nowhere.url, "off")
      yield* nowhere.says(/Compiled code: /)
      assert.strictEqual(nowhere.stderr(), "")
    })
  )

  it.live("is not needed: the folder may be none", () =>
    Effect.gen(function* () {
      const file = join(yield* dataFolder, "file")
      writeFileSync(file, "")
      yield* run(file)
    })
  )
})
