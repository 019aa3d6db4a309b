import { globSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const src = fileURLToPath(new URL("../src/", import.meta.url))

/** The folders of src/ from the lowest to the highest; those of one level know nothing of each other. */
const levels = [
  ["domain"],
  ["stream", "ledger"],
  ["embedded", "http", "consumer", "log"],
  ["layers"],
  ["cli"],
  ["main.ts"]
] as const

/** What every folder may use, and what uses none of them. */
const base = ["Meter.ts", "Failpoint.ts", "Elapsed.ts"]

/** What starts the program, before any of it is loaded. */
const starter = ["start.ts", "CompiledCode.ts"]

interface Import {
  readonly from: string
  readonly to: string
}

const files = globSync("**/*.ts", { cwd: src }).filter((file) => !file.endsWith(".d.ts"))

/** Static and dynamic imports, types among them, of other files in src/. Circles are the linter's: noImportCycles. */
const imports = files.flatMap((from): ReadonlyArray<Import> => {
  const source = readFileSync(join(src, from), "utf8")
  return [...source.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)].map(([, path = ""]) => ({
    from,
    to: join(dirname(from), path)
  }))
})

/** What is loaded with a file, and is no type. */
const loadedWith = (file: string, known = new Set<string>()): ReadonlySet<string> => {
  if (known.has(file) || !file.endsWith(".ts")) return known
  known.add(file)
  const source = readFileSync(join(src, file), "utf8")
  for (const [, path = ""] of source.matchAll(/^(?:import|export) (?!type\b)[^"']*? from "(\.[^"]+)"/gm)) {
    loadedWith(join(dirname(file), path), known)
  }
  return known
}

/** The folder of a file, or the file itself where it is in none. */
const partOf = (file: string): string => file.split("/")[0] ?? file

const levelOf = (part: string): number => levels.findIndex((level) => level.some((name) => name === part))

const isAllowed = ({ from, to }: Import): boolean => {
  const [user, used] = [partOf(from), partOf(to)]
  if (user === used) return true
  if (starter.includes(user)) return starter.includes(used)
  if (base.includes(user)) return false
  if (base.includes(used)) return true
  if (user === "web") return used === "domain"
  if (used === "web") return user === "http" && /^web\/(words|drawn)\b/.test(to)
  return levelOf(used) >= 0 && levelOf(used) < levelOf(user)
}

describe("the folders of src/", () => {
  it("all have a level", () => {
    const known = [...levels.flat(), ...base, ...starter, "web"]
    assert.includeMembers(known, [...new Set(files.map(partOf))])
  })

  it("import only from lower ones", () => {
    assert.deepInclude(imports, { from: "main.ts", to: "cli/Cli.ts" })
    const upwards = imports.filter((one) => !isAllowed(one)).map(({ from, to }) => `${from} imports ${to}`)
    assert.deepStrictEqual(upwards, [])
  })

  it("load what serves the API, and the commands, only where they are needed", () => {
    const loaded = loadedWith("main.ts")
    assert.isTrue(loaded.has("consumer/Pool.ts") && loaded.has("http/operations/ManagementServer.ts"))
    for (const file of [
      "http/Server.ts",
      "http/Routes.ts",
      "http/HttpServices.ts",
      "cli/Cli.ts",
      "embedded/Embedded.ts"
    ]) {
      assert.isFalse(loaded.has(file), file)
    }
    assert.isTrue(loadedWith("http/Server.ts").has("http/Routes.ts"))
  })

  it("have no two files of one name", () => {
    const pages = /^web\/\w+\/main\.ts$/
    const names = files.filter((file) => !pages.test(file)).map((file) => basename(file))
    assert.deepStrictEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      []
    )
  })
})
