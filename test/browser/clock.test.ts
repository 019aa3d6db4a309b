import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"
import { openDesk } from "./desk.ts"
import { button, counted } from "./voter.ts"
import { browserTests, type Web } from "./web.ts"

const hour = 3_600_000

/** Opens a page in a browser whose clock is ahead by so many ms, or behind. */
const pageAt = async (web: Web["Service"], ahead: number, expected?: RegExp): Promise<Page> => {
  const page = await web.page({ timezoneId: "UTC" }, expected)
  await page.addInitScript(`{
    const RealDate = Date
    globalThis.Date = class Date extends RealDate {
      constructor(...given) {
        if (given.length === 0) super(RealDate.now() + ${ahead})
        else super(...given)
      }
      static now() { return RealDate.now() + ${ahead} }
    }
  }`)
  return page
}

const at = (ms: number) => new Date(Date.now() + ms).toISOString()

browserTests("the voting page, where the reader's clock is wrong", (test) => {
  for (const [name, ahead] of [
    ["a day ahead", 24 * hour],
    ["an hour behind", -hour]
  ] as const) {
    test(`takes votes while the service does, with a clock ${name}`, async (web) => {
      const slug = await web.poll({ opens_at: at(-1_000), closes_at: at(2 * hour) })
      const page = await pageAt(web, ahead)
      await page.goto(`/polls/${slug}`)
      assert.isAbove(Math.abs(Number(await page.evaluate("Date.now()")) - Date.now()), hour / 2)
      await page.getByText(/Closes in (120 minutes|2 hours), on /).waitFor()
      await button(page, "Pears").click()
      await counted(page, "Pears")
      assert.strictEqual(await page.locator("#state").textContent(), "Open")
    })

    test(`opens and closes when the service does, with a clock ${name}`, async (web) => {
      const slug = await web.poll({ opens_at: at(4_000), closes_at: at(10_000) })
      const page = await pageAt(web, ahead)
      await page.goto(`/polls/${slug}`)
      await page.locator("#state").getByText("Not open yet").waitFor()
      await page.locator("#state").getByText("Open", { exact: true }).waitFor()
      await button(page, "Pears").click()
      await counted(page, "Pears")
      await page.locator("#state").getByText("Final").waitFor()
      await page.getByText(/^Closed since /).waitFor()
    })
  }

  test("the desk goes by the service's time, too", async (web) => {
    const slug = await web.poll({ title: "When?", draft: true, closes_at: at(2 * hour) })
    const page = await pageAt(web, 24 * hour, /status of 422/)
    await openDesk(page, web.adminToken)
    await page.goto(`/admin#/polls/${slug}`)
    await page
      .locator(".detail")
      .getByText(/Closes on /)
      .waitFor()
    assert.strictEqual(await page.getByText("closing time has passed").count(), 0)
    const closes = page.getByLabel("Closes")
    const later = at(3 * hour).slice(0, 16)
    await closes.fill(later)
    await page.getByRole("button", { name: "Set the closing time" }).click()
    await page.getByRole("heading", { name: "When?" }).waitFor()
    await page.locator(".closing button:enabled").waitFor()
    assert.deepInclude(await web.ask(`/api/polls/${slug}`), { closes_at: `${later}:00.000Z` })
    await closes.fill(at(-hour).slice(0, 16))
    await page.getByRole("button", { name: "Set the closing time" }).click()
    await page.getByText("This time has passed").waitFor()
  })

  test("is put right by the service's answers, where the page's own time is old", async (web) => {
    const slug = await web.poll()
    await web.ask(`/api/polls/${slug}/close`, {})
    const open = await web.poll({ opens_at: at(-1_000) })
    const page = await web.page({}, /ERR_FAILED/)
    // As a page that the browser has kept since yesterday, with the results that it asks for.
    await page.route("**/results/stream", (route) => route.abort())
    await page.route(`**/polls/${open}`, async (route) => {
      const response = await route.fetch()
      const old = (text: string) =>
        text
          .replace(/data-now="\d+"/, `data-now="${Date.now() - 24 * hour}"`)
          .replace("&quot;open&quot;}", "&quot;upcoming&quot;}")
      await route.fulfill({ response, body: old(await response.text()) })
    })
    await page.goto(`/polls/${open}`)
    await page.locator("#state").getByText("Open", { exact: true }).waitFor()
    await page.goto(`/polls/${slug}`)
    await page.locator("#state").getByText("Final").waitFor()
  })

  test("is asked for again after a sleep, in which the page's stopwatch stood still", async (web) => {
    const page = await web.page()
    const streams = () => page.waitForRequest("**/results/stream")
    const [slug, first] = [await web.poll(), streams()]
    await page.goto(`/polls/${slug}`)
    await first
    await page.getByText("0 votes counted").waitFor()
    const [asked, again] = [page.waitForRequest(/results$/), streams()]
    await page.evaluate("Date.now = () => performance.timeOrigin + performance.now() + 60_000")
    await Promise.all([asked, again])
  })
})

browserTests("the voting page, where polls close by another time than the service's wall clock", (test) => {
  test("goes by that time", async (web) => {
    const slug = await web.poll({ closes_at: at(hour / 2) })
    const page = await web.page({}, /ERR_FAILED/)
    await page.route("**/results/stream", (route) => route.abort())
    await page.route("**/results", async (route) => {
      const response = await route.fetch()
      assert.closeTo(Number(response.headers()["poll-time"]), Date.now(), hour / 4)
      await route.fulfill({ response, headers: { ...response.headers(), "poll-time": String(Date.now() + hour) } })
    })
    await page.goto(`/polls/${slug}`)
    await page.locator("#state").getByText("Counting").waitFor()
  })
})

browserTests("the voting page, when the ledger was restored or made anew", (test) => {
  test("shows its results, though their revision is lower", async (web) => {
    const slug = await web.poll()
    const page = await web.page({}, /ERR_FAILED/)
    const body = (revision: number, count: number) => ({
      poll: slug,
      kind: "single",
      status: "open",
      ballots: count,
      abstained: 0,
      winners: count > 0 ? ["apples"] : [],
      tie: false,
      results: ["apples", "pears", "plums"].map((option, index) => ({
        option,
        count: index === 0 ? count : 0,
        percentage: index === 0 && count > 0 ? 100 : 0
      })),
      total_votes: count,
      pending: 0,
      revision,
      last_updated: new Date().toISOString()
    })
    let present = { id: "50-aaaaaaaa", body: body(50, 500) }
    await page.route("**/results/stream", (route) =>
      route.fulfill({
        contentType: "text/event-stream",
        body: `retry: 300\nevent: tally\nid: ${present.id}\ndata: ${JSON.stringify(present.body)}\n\n`
      })
    )
    let asked = { etag: '"0123456789ab-aaaaaaaa"', body: body(50, 500) }
    await page.route("**/results", (route) => route.fulfill({ json: asked.body, headers: { etag: asked.etag } }))
    await page.goto(`/polls/${slug}`)
    await page.locator("#total").getByText("500 votes counted").waitFor()
    present = { id: "3-bbbbbbbb", body: body(3, 7) }
    asked = { etag: '"0123456789ab-bbbbbbbb"', body: body(3, 7) }
    await page.locator("#total").getByText("7 votes counted", { exact: true }).waitFor()
    // Within the ledger, an older answer is still none.
    asked = { etag: '"0123456789ab-bbbbbbbb"', body: body(2, 6) }
    present = { id: "2-bbbbbbbb", body: body(2, 6) }
    await page.waitForTimeout(2_500)
    assert.strictEqual(await page.locator("#total").textContent(), "7 votes counted")
    // Without the stream, by asking.
    await page.route("**/results/stream", (route) => route.abort())
    asked = { etag: 'W/"0123456789ab-cccccccc"', body: body(1, 5) }
    await page.locator("#total").getByText("5 votes counted", { exact: true }).waitFor()
  })
})
