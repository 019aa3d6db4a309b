import { globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../src/http/Api.ts"
import { definitions } from "../src/layers/Settings.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const read = (path: string): string => readFileSync(join(root, path), "utf8")

const documents = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md", "bench/README.md"].concat(
  globSync("docs/*.md", { cwd: root })
)

/** A document without its blocks of code, in which a `#` begins a comment. */
const proseOf = (path: string): string => read(path).replace(/^```.*?^```$/gms, "")

/** The row of a table whose first cell holds the text. */
const rowWith = (path: string, text: string): string | undefined =>
  read(path)
    .split("\n")
    .find((line) => line.split("|")[1]?.includes(text))

describe("docs/operations.md", () => {
  it.effect.each(Object.values(definitions).map(({ fallback, name }) => ({ fallback, name })))(
    "has $name in its table, with its default",
    ({ fallback, name }) =>
      Effect.sync(() => {
        const row = rowWith("docs/operations.md", `\`${name}\``)
        assert.isDefined(row, `no row for ${name}`)
        if (fallback !== undefined) assert.include(row ?? "", `\`${fallback}\``)
      })
  )
})

it("docs/operations.md has no setting in its table that there is not", () => {
  const names = Object.values(definitions).map(({ name }) => name)
  const [, table = ""] = /^## Settings$(.*?)^## /ms.exec(read("docs/operations.md")) ?? []
  const told = table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name))
  assert.sameMembers(told, names)
})

it("docs/operations.md names the settings that may be in a file", () => {
  const [, named = ""] =
    /^\*\*Secrets in files\.\*\* Each of (.*?) may be in a$/ms.exec(read("docs/operations.md")) ?? []
  assert.sameMembers(
    [...named.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    Object.values(definitions).flatMap(({ fileName, name }) => (fileName === undefined ? [] : [name]))
  )
})

it("documents name only metrics that there are", () => {
  const sources = globSync("src/**/*.ts", { cwd: root }).map(read).join("\n")
  // Some are made of a name and a word for what they are of.
  const made = [...sources.matchAll(/["`](tallykeep_[\w${}]+)["`]/g)].map(
    ([, name = ""]) => new RegExp(`^${name.replace(/\$\{\w+\}/g, "[a-z_]+")}$`)
  )
  // A metric that was renamed is in the CHANGELOG by its former name.
  const named = documents
    .filter((path) => path !== "CHANGELOG.md")
    .flatMap((path) => read(path).match(/\btallykeep_[a-z_]*[a-z]\b/g) ?? [])
  assert.isAtLeast(new Set(named).size, 30)
  assert.deepStrictEqual(
    named.filter((name) => !made.some((pattern) => pattern.test(name))),
    []
  )
})

describe("docs/api.md", () => {
  it.effect.each(
    Object.values(Api.groups).flatMap((group) =>
      Object.values(group.endpoints).map(({ method, path }) => ({ method, path: String(path) }))
    )
  )("has $method $path in its table", ({ method, path }) =>
    Effect.sync(() => {
      const shown = `${method} ${path.replace(/:(\w+)/g, "<$1>")}`
      assert.isTrue(
        [`\`${shown}\``, `\`${shown}?`].some((text) => rowWith("docs/api.md", text) !== undefined),
        shown
      )
    })
  )
})

describe("the table of errors in docs/api.md", () => {
  const Described = Schema.Struct({
    status: Schema.Struct({ enum: Schema.Tuple([Schema.Number]) }),
    type: Schema.Struct({ enum: Schema.Tuple([Schema.String]) })
  })
  const problems = Object.values(OpenApi.fromApi(Api).components.schemas).flatMap((schema) =>
    Schema.is(Described)(schema.properties) ? [schema.properties] : []
  )

  it("has each problem of the description, with its status and its type", () => {
    assert.isAtLeast(problems.length, 15)
    const rows = read("docs/api.md").split("\n")
    const missing = problems
      .map(({ status, type }) => [
        `| \`${status.enum[0]}\` | `,
        type.enum[0] === "about:blank" ? "| |" : `| \`${type.enum[0]}\` |`
      ])
      .filter(([start = "", end = ""]) => !rows.some((row) => row.startsWith(start) && row.endsWith(end)))
    assert.deepStrictEqual(missing, [])
  })
})

describe("the README", () => {
  it("is short", () => {
    assert.isAtMost(read("README.md").trim().split(/\s+/).length, 1_500)
  })

  it("names each dependency with its exact version", () => {
    const Package = Schema.fromJsonString(Schema.Struct({ dependencies: Schema.Record(Schema.String, Schema.String) }))
    const { dependencies } = Schema.decodeUnknownSync(Package)(read("package.json"))
    for (const [name, version] of Object.entries(dependencies)) {
      assert.include(rowWith("README.md", `[${name}]`) ?? `no row for ${name}`, `| ${version} |`)
    }
  })
})

/** All files and folders of the repository that a document may name, each between slashes. */
const places = globSync("{.ci,bench,deploy,docs,script,src,test}/**", {
  cwd: root,
  exclude: (name) => name === "node_modules"
}).map((path) => `/${path}/`)

/** Words in code that stand for a file or a folder: below one of the repository's folders, or with a file's ending. */
const filesIn = (path: string): ReadonlyArray<string> =>
  [...read(path).matchAll(/`([^`\n]+)`/g), ...read(path).matchAll(/^```\w*$(.*?)^```$/gms)]
    .flatMap(([, code = ""]) => code.split(/\s+/))
    .filter((word) => /^[\w.-]+(\/[\w.-]+)*\/?$/.test(word))
    .filter((word) => /^(bench|deploy|docs|script|src|test)\/|\.(ts|mjs|sql|lua|py|css|yaml|md)$/.test(word))

/** Made by whoever runs tallykeep or its benchmarks. */
const madeLater = ["deploy/tallykeep.env", "bench/node_modules"]

/** As GitHub makes an anchor of a heading. */
const anchorsOf = (path: string): ReadonlyArray<string> =>
  [...proseOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-")
  )

describe.each(documents)("%s", (document) => {
  it("names only files and folders that exist", () => {
    const missing = filesIn(document)
      .filter((name) => !madeLater.includes(name))
      .map((name) => name.replace(/\/$/, ""))
      .filter((name) => !places.some((place) => place.includes(`/${name}/`)) && !documents.includes(name))
    assert.deepStrictEqual(missing, [])
  })

  it("has only links that lead somewhere", () => {
    const links = [...proseOf(document).matchAll(/\]\(([^)]+)\)|src="([^"]+)"/g)].map(
      ([, link, image]) => link ?? image ?? ""
    )
    const broken = links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = "", anchor] = link.split("#")
        const target = path === "" ? document : normalize(join(dirname(document), path))
        const exists = documents.includes(target) || target === "LICENSE" || places.includes(`/${target}/`)
        return !exists || (anchor !== undefined && !anchorsOf(target).includes(anchor))
      })
    assert.deepStrictEqual(broken, [])
  })
})
