import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { faultKinds, makeSchedule } from "./schedule.ts"

const script = fileURLToPath(new URL("../../script/chaos", import.meta.url))

/** A run with each kind of fault at least once; script/chaos itself runs for as long as one likes. */
const round = { seconds: 10, seed: 312 }

describe("script/chaos", () => {
  it("leaves every accepted vote counted exactly once in a round of faults", { timeout: 120_000 }, async ({
    signal
  }) => {
    const { seconds, seed } = round
    const kinds = makeSchedule(seed, seconds * 1_000).map(({ kind }) => kind)
    assert.includeMembers(kinds, [...faultKinds])
    const child = spawn(script, ["--seconds", `${seconds}`, "--seed", `${seed}`], { stdio: ["ignore", "pipe", "pipe"] })
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
