import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("../../script/chaos", import.meta.url))

describe("a minute of chaos", () => {
  it("leaves every accepted vote counted exactly once", { timeout: 180_000 }, async ({ signal }) => {
    const child = spawn(script, ["--seconds", "60", "--seed", "1"], { stdio: ["ignore", "pipe", "pipe"] })
    signal.addEventListener("abort", () => child.kill("SIGTERM"))
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk
      })
    }
    const [code] = await once(child, "close")
    console.log(output)
    assert.strictEqual(code, 0, output)
  })
})
