import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import { TestClock } from "effect/testing"
import { printAddress } from "../../src/cli/PollAccess.ts"
import { withProgress } from "../../src/cli/Progress.ts"
import { type Output, Terminal } from "../../src/cli/Terminal.ts"
import { readQrCode } from "../support/qrCode.ts"

/** Runs with a terminal, or none, and returns all that was written to it. */
const writtenTo = Effect.fnUntraced(function* (isTTY: boolean, effect: Effect.Effect<unknown>) {
  let written = ""
  const write = (text: string) => {
    written += text
  }
  const output: Output = { isTTY, write }
  yield* Effect.forkChild(effect).pipe(
    Effect.provideService(Terminal, { stdout: output, stderr: output }),
    Effect.provideService(Console.Console, { ...globalThis.console, log: (text: string) => write(`${text}\n`) })
  )
  yield* TestClock.adjust(0)
  return () => written
})

describe("a command that takes long", () => {
  const slow = withProgress(({ during, tell }) =>
    Effect.andThen(
      Effect.forEach([1, 2, 3], (entries) => Effect.andThen(Effect.sleep("400 millis"), tell(`${entries} entries`))),
      during("Reading the ledger", Effect.sleep("2500 millis"))
    )
  )

  it.effect("says how far it is after a second, to a terminal, and leaves nothing of it", () =>
    Effect.gen(function* () {
      const written = yield* writtenTo(true, slow)
      yield* TestClock.adjust("900 millis")
      assert.strictEqual(written(), "")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(written(), "\r\u001b[K3 entries")
      yield* TestClock.adjust("1500 millis")
      assert.match(written(), /Reading the ledger: 1 s$/)
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(written().endsWith("Reading the ledger: 2 s\r\u001b[K"))
    })
  )

  it.effect("says nothing to what is no terminal, and nothing where it was quick", () =>
    Effect.gen(function* () {
      const [piped, quick] = [
        yield* writtenTo(false, slow),
        yield* writtenTo(
          true,
          withProgress(({ tell }) => tell("1"))
        )
      ]
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([piped(), quick()], ["", ""])
    })
  )
})

describe("a poll that is made on the command line", () => {
  const made = (isTTY: boolean, logOrigin = "localhost:8000") =>
    Effect.gen(function* () {
      const written = yield* writtenTo(isTTY, printAddress({ logOrigin }, "lunch"))
      yield* Effect.promise(() => import("uqr"))
      yield* TestClock.adjust(0)
      return written()
    })

  it.effect("is told with its address, which a terminal also shows as a QR code", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* made(false), "  at http://localhost:8000/polls/lunch\n")
      const [address, ...code] = (yield* made(true, "vote.example.com")).split("\n")
      assert.strictEqual(address, "  at https://vote.example.com/polls/lunch")
      // Each character is two squares, one above the other; what is not written is dark.
      const dark = code
        .filter((line) => line !== "")
        .flatMap((line, y) =>
          [...line].flatMap((char, x) => [
            ...(" \u2584".includes(char) ? [`M${x} ${2 * y}h1v1h-1z`] : []),
            ...(" \u2580".includes(char) ? [`M${x} ${2 * y + 1}h1v1h-1z`] : [])
          ])
        )
      const size = code[1]?.length
      assert.strictEqual(
        readQrCode(`viewBox="0 0 ${size} ${size}" ${dark.join("")}`),
        "https://vote.example.com/polls/lunch"
      )
    })
  )
})
