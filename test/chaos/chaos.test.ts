import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { failoverKinds, faultKinds, makeSchedule } from "./schedule.ts"

const script = fileURLToPath(new URL("../../script/chaos", import.meta.url))

/** Short runs; script/chaos itself runs for as long as one likes. */
const rounds = [
  { name: "a round of all faults", seconds: 10, seed: 15011, args: [], kinds: faultKinds, includes: faultKinds },
  {
    name: "faults among which Redis is lost",
    seconds: 5,
    seed: 1,
    args: ["--failover"],
    kinds: failoverKinds,
    includes: ["Redis lost, replica promoted"]
  }
] as const

describe("script/chaos", () => {
  it.for(rounds)(
    "leaves every accepted vote counted exactly once in $name",
    { timeout: 120_000 },
    async (round, { signal }) => {
      const { args, includes, kinds, seconds, seed } = round
      const planned = makeSchedule(seed, seconds * 1_000, kinds).map(({ kind }) => kind)
      assert.includeMembers(planned, [...includes])
      const given = ["--seconds", `${seconds}`, "--seed", `${seed}`, ...args]
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
    }
  )
})
