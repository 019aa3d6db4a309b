import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { layerFinality } from "../../src/consumer/Finality.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { layerTabulating } from "../../src/consumer/Tabulating.ts"
import { Tabulations } from "../../src/ledger/Tabulations.ts"
import { kinds } from "../support/kinds.ts"
import { closePoll, createPoll, layerUncounted, post } from "../support/pollsApi.ts"
import { withPublicFolder } from "../support/publicFolder.ts"
import { serverPort } from "../support/wire.ts"
import { findChromium, launchChromium } from "./chromium.ts"

/** An API process with its pages, without anyone who counts. */
const layerPages = withPublicFolder((folder) => layerUncounted({}, folder))

const openPages = Effect.fnUntraced(function* (slugs: ReadonlyArray<string>) {
  const port = yield* serverPort
  const executable = findChromium() ?? assert.fail("There is no Chromium or Chrome here")
  const browser = yield* Effect.acquireRelease(
    Effect.promise(() => launchChromium(executable)),
    (open) => Effect.promise(() => open.close())
  )
  const open = async (slug: string) => {
    // Of a browser of its own: pages in the background ask for nothing.
    const page = await (await browser.newContext()).newPage()
    await page.goto(`http://localhost:${port}/polls/${slug}`)
    return page
  }
  return yield* Effect.promise(() => Promise.all(slugs.map(open)))
})

const expectState = (page: Page, state: string) =>
  Effect.promise(() => page.locator("#state").getByText(state, { exact: true }).waitFor())

/** What the page says of the votes of each kind in the end. */
const ends = {
  single: ["Winner: Tea.", "1 vote"],
  multiple: ["A tie between Tea and Coffee.", "1 of 1 ballot"],
  score: ["Winner: Tea.", "mean of 1 ballot"],
  points: ["Winner: Coffee.", "3 points from 1 ballot"],
  ranked: ["Elected: Coffee.", "first on 0 ballots"]
} as const

const expectText = (page: Page, place: string, text: string) =>
  Effect.promise(() => page.locator(place).getByText(text, { exact: true }).waitFor())

layer(layerPages, { excludeTestServices: true })("the voting page of a poll that counts", (it) => {
  it.effect("says so and shows nothing that is hidden, until the result of its kind is final and comes by itself", () =>
    Effect.gen(function* () {
      const slugs = yield* Effect.forEach(kinds, ({ rules, says }) =>
        Effect.gen(function* () {
          const slug = yield* createPoll({ ...rules, results: "after_close" })
          assert.strictEqual((yield* post(`/api/polls/${slug}/votes`, says[0])).status, 201)
          return slug
        })
      )
      const pages = yield* openPages(slugs)
      for (const [index, page] of pages.entries()) {
        yield* expectState(page, "Open")
        yield* closePoll(slugs[index] ?? "")
        // It asks now and then, and when the network is back.
        yield* Effect.promise(() => page.evaluate("dispatchEvent(new Event('online'))"))
        yield* expectState(page, "Counting")
        const shown = yield* Effect.promise(() => page.locator("#total").textContent())
        assert.strictEqual(shown, "The results are shown once the poll has closed and all votes are counted.")
      }

      const tabulating = layerTabulating.pipe(Layer.provide(Tabulations.layer))
      yield* Layer.build(Layer.mergeAll(layerPool, layerFinality, tabulating))
      for (const [index, page] of pages.entries()) {
        yield* expectState(page, "Final")
        const [outcome, ofTea] = ends[kinds[index]?.rules.kind ?? "single"]
        yield* expectText(page, ":is(#votes-tea, #result-tea)", ofTea)
        yield* expectText(page, "#outcome", outcome)
        assert.match(
          (yield* Effect.promise(() => page.locator("#times").textContent())) ?? "",
          /The result is final\.$/
        )
      }
    }).pipe(Effect.scoped)
  )
})
