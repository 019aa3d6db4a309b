import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { layerFinality } from "../../src/consumer/Finality.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { closePoll, createPoll, layerUncounted, voteIn } from "../support/pollsApi.ts"
import { buildPublicFolder } from "../support/publicFolder.ts"
import { serverPort } from "../support/wire.ts"
import { findChromium, launchChromium } from "./chromium.ts"

/** An API process with its pages, without anyone who counts. */
const layerPages = Layer.unwrap(Effect.map(buildPublicFolder, (folder) => layerUncounted({}, folder)))

const openPage = Effect.fnUntraced(function* (slug: string) {
  const port = yield* serverPort
  const executable = findChromium() ?? assert.fail("There is no Chromium or Chrome here")
  const browser = yield* Effect.acquireRelease(
    Effect.promise(() => launchChromium(executable)),
    (open) => Effect.promise(() => open.close())
  )
  return yield* Effect.promise(async () => {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}/polls/${slug}`)
    return page
  })
})

const expectState = (page: Page, state: string) =>
  Effect.promise(() => page.locator("#state").getByText(state, { exact: true }).waitFor())

layer(layerPages, { excludeTestServices: true, timeout: "60 seconds" })(
  "the voting page of a poll that counts",
  (it) => {
    it.effect("says so and shows nothing that is hidden, until the result is final and comes by itself", () =>
      Effect.gen(function* () {
        const slug = yield* createPoll({ results: "after_close" })
        yield* voteIn(slug, "tea")
        const page = yield* openPage(slug)
        yield* expectState(page, "Open")
        yield* closePoll(slug)
        // It asks now and then, and when the network is back.
        yield* Effect.promise(() => page.evaluate("dispatchEvent(new Event('online'))"))
        yield* expectState(page, "Counting")
        const shown = yield* Effect.promise(() => page.locator("#total").textContent())
        assert.strictEqual(shown, "The results are shown once the poll has closed and all votes are counted.")

        yield* Layer.build(Layer.mergeAll(layerPool, layerFinality))
        yield* expectState(page, "Final")
        yield* Effect.promise(() => page.locator("#votes-tea").getByText("1 vote").waitFor())
        assert.match(
          (yield* Effect.promise(() => page.locator("#times").textContent())) ?? "",
          /The result is final\.$/
        )
      }).pipe(Effect.scoped)
    )
  }
)
