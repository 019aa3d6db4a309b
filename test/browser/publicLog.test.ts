import { readFileSync } from "node:fs"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { layerApi } from "../support/api.ts"
import { MemoryLog } from "../support/memoryLog.ts"
import { withPublicFolder } from "../support/publicFolder.ts"
import { eventually } from "../support/servers.ts"
import { serverPort } from "../support/wire.ts"
import { freshWorld } from "../support/world.ts"
import { assertNoSidewaysScroll, smallest, violations } from "./accessible.ts"
import { findChromium, launchChromium } from "./chromium.ts"
import { button, counted } from "./voter.ts"

const layerPages = withPublicFolder((folder) => layerApi({}, folder))

const openBrowser = Effect.gen(function* () {
  const port = yield* serverPort
  const executable = findChromium() ?? assert.fail("There is no Chromium or Chrome here")
  const browser = yield* Effect.acquireRelease(
    Effect.promise(() => launchChromium(executable)),
    (open) => Effect.promise(() => open.close())
  )
  const context = yield* Effect.promise(() => browser.newContext({ ...smallest, baseURL: `http://localhost:${port}` }))
  return yield* Effect.promise(() => context.newPage())
})

const sees = (page: Page, text: RegExp) => Effect.promise(() => page.getByText(text).waitFor())

/** Votes for cats on the page, and counts it: what stands in the log may be something else. */
const vote = (page: Page, logged: string, hidden: boolean) =>
  Effect.gen(function* () {
    const world = yield* freshWorld
    yield* Effect.promise(async () => {
      await page.goto("/")
      await page.evaluate("localStorage.clear()")
      await page.reload()
      await button(page, "Cats").click()
    })
    const cast = yield* eventually(Effect.sync(() => world.votes[0] ?? assert.fail("no vote yet")))
    const log = new MemoryLog(defaultPoll, { hidden })
    log.count({ voteId: cast.voteId, choice: logged, ...(cast.key === undefined ? {} : { key: cast.key }) })
    log.sign()
    world.logs = [log]
    world.receipts.set(cast.voteId, { vote_id: cast.voteId, poll: "cats-or-dogs", status: "counted" })
    yield* Effect.promise(() => counted(page, "Cats"))
    return { world, log, cast }
  })

/** What the link with the proof would save. */
const proofOf = (page: Page) =>
  Effect.promise(async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Proof", exact: true }).click()
    ])
    assert.strictEqual(download.suggestedFilename(), "cats-or-dogs.tlog-proof")
    return readFileSync(await download.path(), "utf8")
  })

layer(layerPages, { excludeTestServices: true })("a voter's page", (it) => {
  it.effect.each([false, true])("says that the vote is in the public log, and has the proof; hidden: %s", (hidden) =>
    Effect.gen(function* () {
      const page = yield* openBrowser
      yield* vote(page, "cats", hidden)
      yield* sees(page, /It is in the public log, as you cast it/)
      assert.match(yield* proofOf(page), /^c2sp\.org\/tlog-proof@v1\nextra .+\nindex 1\n/)
      assert.deepStrictEqual(yield* Effect.promise(() => violations(page)), [])
      yield* Effect.promise(() => assertNoSidewaysScroll(page))
    }).pipe(Effect.scoped)
  )

  it.effect("says plainly that the log has something else, and keeps what it says", () =>
    Effect.gen(function* () {
      const page = yield* openBrowser
      const { cast } = yield* vote(page, "dogs", false)
      yield* sees(page, /The public log does not have this vote as you cast it/)
      const kept = yield* Effect.promise(() => page.evaluate(`localStorage["tallykeep:evidence:${cast.voteId}"]`))
      assert.strictEqual(yield* proofOf(page), kept)
      assert.strictEqual(yield* Effect.promise(() => page.locator("#notice").getAttribute("data-tone")), "bad")
    }).pipe(Effect.scoped)
  )
})

layer(layerPages, { excludeTestServices: true })("the page that counts again", (it) => {
  it.effect("counts the whole log, says what holds and what not, and remembers the log", () =>
    Effect.gen(function* () {
      const page = yield* openBrowser
      const world = yield* freshWorld
      const log = new MemoryLog(defaultPoll)
      for (let vote = 0; vote < 900; vote++) log.count({ voteId: `vote-${vote}`, choice: vote < 600 ? "cats" : "dogs" })
      log.sign()
      world.logs = [log]
      world.counts = [
        { option: "cats", count: 600 },
        { option: "dogs", count: 300 }
      ]
      world.finalMs = 1_732_000_000_000
      const open = Effect.promise(() => page.goto("/polls/cats-or-dogs/verify"))
      yield* open
      yield* sees(page, /^All of it holds\.$/)
      yield* sees(page, /^900 votes counted from the log$/)
      yield* sees(page, /^Cats: 600$/)
      assert.deepStrictEqual(yield* Effect.promise(() => violations(page)), [])
      yield* Effect.promise(() => assertNoSidewaysScroll(page))
      assert.strictEqual(
        yield* Effect.promise(() => page.evaluate('localStorage["tallykeep:checkpoint:/api/polls/cats-or-dogs/log"]')),
        log.checkpoint
      )
      // Another history, of which each part fits.
      log.leaves.splice(1, 1)
      log.sign()
      yield* open
      yield* sees(page, /Something does not hold/)
      yield* sees(page, /^the log had 901 leaves, and has 900 now$/)
      yield* sees(page, /^votes for cats: 599 by the log, 600 by the results$/)
      // The first votes of a poll with voters wait to come into its log together.
      const early = new MemoryLog(defaultPoll, { hidden: true })
      early.sign()
      world.logs = [early]
      world.finalMs = undefined
      yield* Effect.promise(() => page.evaluate("localStorage.clear()"))
      yield* open
      yield* sees(page, /^The log holds\. Compare it with the results once the poll is final/)
      world.logs = []
      yield* open
      yield* sees(page, /This poll has no public log/)
    }).pipe(Effect.scoped)
  )
})
