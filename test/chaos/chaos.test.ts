import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { faultKinds, makeSchedule } from "./schedule.ts"

const script = fileURLToPath(new URL("../../script/chaos", import.meta.url))

/** A short run, in which each fault comes; script/chaos itself runs for as long as one likes, and loses Redis as well (--failover). */
const [seconds, seed] = [11, 56649]

describe("script/chaos", () => {
  it("leaves every accepted vote counted exactly once in a round of all faults", async ({ signal }) => {
    const planned = makeSchedule(seed, seconds * 1_000, faultKinds).map(({ kind }) => kind)
    assert.includeMembers(planned, [...faultKinds])
    const given = ["--seconds", `${seconds}`, "--seed", `${seed}`]
    const child = spawn(script, given, { stdio: ["ignore", "pipe", "pipe"] })
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
