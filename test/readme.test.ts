import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Api } from "../src/http/Api.ts"
import { definitions } from "../src/layers/Settings.ts"

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")

describe("the README", () => {
  it.effect.each(Object.values(definitions).map(({ fallback, name }) => ({ fallback, name })))(
    "has $name in its table, with its default",
    ({ fallback, name }) =>
      Effect.sync(() => {
        const row = readme.split("\n").find((line) => line.split("|")[1]?.includes(`\`${name}\``))
        assert.isDefined(row, `no row for ${name}`)
        if (fallback !== undefined) assert.include(row ?? "", `\`${fallback}\``)
      })
  )

  it.effect.each(
    Object.values(Api.groups).flatMap((group) =>
      Object.values(group.endpoints).map(({ method, path }) => ({ method, path: String(path) }))
    )
  )("names $method $path", ({ path }) =>
    Effect.sync(() => {
      const shown = path.replace(/:(\w+)/g, "<$1>")
      const short = shown.replace("/api/polls/<slug>", "…")
      assert.isTrue(readme.includes(shown) || readme.includes(short), `${shown} is not in the README`)
    })
  )

  it.effect("names only files and folders that exist", () =>
    Effect.sync(() => {
      const named = [...readme.matchAll(/`((?:src|test|script|bench)\/[\w./-]+)/g)].map(([, file = ""]) => file)
      assert.isAbove(named.length, 5)
      for (const file of named) {
        assert.isTrue(existsSync(new URL(`../${file}`, import.meta.url)), `${file} does not exist`)
      }
    })
  )
})
