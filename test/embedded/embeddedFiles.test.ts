import {
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { prepareBinaries } from "../../src/embedded/PostgresBinaries.ts"
import { postgresFolder } from "../../src/embedded/PostgresFolder.ts"
import { dataFolder, removeDataFolder } from "../support/dataFolder.ts"

/** A package as npm leaves it where it may not run scripts, made by a user whose files are their own. */
const fakePackage = (folder: string): string => {
  const native = join(folder, "package/native")
  for (const part of ["bin", "lib"]) mkdirSync(join(native, part), { recursive: true, mode: 0o700 })
  writeFileSync(join(native, "../package.json"), JSON.stringify({ name: "fake", version: "18.0.0" }))
  writeFileSync(join(native, "bin/postgres"), "binary", { mode: 0o700 })
  writeFileSync(join(native, "lib/libpq.so.5.18"), "library", { mode: 0o600 })
  writeFileSync(join(native, "lib/libpq.a"), "for compilers")
  const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }]
  writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify(links))
  return native
}

describe("PostgreSQL's binaries", () => {
  it.live("are copied with their symbolic links, for everyone to run, once", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const native = fakePackage(folder)
      const home = join(folder, "home")
      mkdirSync(home)
      const { postgres, initdb } = prepareBinaries(native, home, false)
      const copy = join(postgres, "../..")
      assert.match(postgres, /home\/postgresql-18\.0\.0-[^/]+\/bin\/postgres$/)
      assert.strictEqual(initdb, join(copy, "bin/initdb"))
      assert.deepStrictEqual(readdirSync(join(copy, "lib")).sort(), ["libpq.so.5", "libpq.so.5.18"])
      assert.strictEqual(readFileSync(join(copy, "lib/libpq.so.5"), "utf8"), "library")
      const mode = (path: string) => (statSync(join(copy, path)).mode & 0o777).toString(8)
      assert.deepStrictEqual(["", "lib", "bin/postgres", "lib/libpq.so.5"].map(mode), ["755", "755", "755", "644"])

      writeFileSync(join(native, "bin/postgres"), "changed")
      assert.strictEqual(readFileSync(prepareBinaries(native, home, true).postgres, "utf8"), "binary")
      assert.lengthOf(readdirSync(home), 1)
    })
  )

  it.live("are used where they lie, once whole", () =>
    Effect.gen(function* () {
      const native = fakePackage(yield* dataFolder)
      symlinkSync("libpq.so.5.18", join(native, "lib/libpq.so.5"))
      assert.strictEqual(prepareBinaries(native, "/nowhere", false).postgres, join(native, "bin/postgres"))
    })
  )
})

describe.skipIf(process.getuid?.() !== 0)("root's database", () => {
  it.live("follows its data folder when that is moved, and is not shared with a copy", () =>
    Effect.gen(function* () {
      const base = yield* dataFolder
      const [first, moved, copied] = [join(base, "first"), join(base, "moved"), join(base, "copied")]
      mkdirSync(first)
      const { folder, account } = postgresFolder(first)
      yield* Effect.addFinalizer(() => Effect.sync(() => removeDataFolder(moved)))
      assert.isAbove(account?.uid ?? 0, 0)
      assert.strictEqual(readlinkSync(join(first, "postgres")), folder)
      assert.strictEqual(postgresFolder(first).folder, folder)

      renameSync(first, moved)
      assert.strictEqual(postgresFolder(moved).folder, folder)
      cpSync(moved, copied, { recursive: true, verbatimSymlinks: true })
      assert.throws(() => postgresFolder(copied), /is a copy/)
      assert.strictEqual(postgresFolder(moved).folder, folder)

      rmSync(folder, { recursive: true })
      assert.throws(() => postgresFolder(moved), new RegExp(`lay in ${folder}, and is gone`))
    })
  )

  it.live("stays where another user began it, and theirs", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const data = join(dataDir, "postgres/data")
      mkdirSync(data, { recursive: true })
      const owner = { uid: 65_534, gid: 65_534 }
      chownSync(data, owner.uid, owner.gid)
      const { folder, account } = postgresFolder(dataDir)
      assert.strictEqual(folder, join(dataDir, "postgres"))
      assert.deepStrictEqual(account, owner)
    })
  )
})
