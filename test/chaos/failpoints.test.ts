import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const dist = fileURLToPath(new URL("../../dist/", import.meta.url))

describe("the program that is shipped", () => {
  it("has no failpoints in it", () => {
    const files = readdirSync(dist).filter((name) => name.endsWith(".js"))
    assert.include(files, "main.js")
    for (const file of files)
      assert.notMatch(readFileSync(`${dist}${file}`, "utf8"), /FAILPOINT|(before|after)-(append|writing|commit)/)
  })
})
