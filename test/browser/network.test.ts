import { assert } from "@effect/vitest"
import { button, counted, keysOf, totalVotes, votes } from "./voter.ts"
import { browserTests } from "./web.ts"

/** What the console says while the network is away, or while a test blocks it. */
const network = /net::ERR_/

browserTests("the voting page on a bad network", (test) => {
  test("keeps a vote while the network is gone, and sends it once it is back", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser" })
    const page = await web.page({}, network)
    await page.goto(`/polls/${slug}`)
    await page.context().setOffline(true)
    await button(page, "Plums").click()
    await page.getByText("You are offline. Your vote is kept here").waitFor()
    // It is only marked as disabled, so a click still reaches it.
    await button(page, "Apples").click({ force: true })
    await page.context().setOffline(false)
    await counted(page, "Plums")
    assert.strictEqual(await page.locator("#trouble").textContent(), "")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("tells a service that can't be reached from a device that is offline", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser" })
    const page = await web.page({}, network)
    await page.route("**/votes", (route) => route.abort("connectionrefused"))
    await page.goto(`/polls/${slug}`)
    await button(page, "Plums").click()
    const trouble = page.locator("#trouble")
    await trouble
      .getByText("The service can't be reached. Your vote is kept here, and is sent as soon as it can be.")
      .waitFor()
    await page.context().setOffline(true)
    await trouble.getByText("You are offline. Your vote is kept here, and is sent as soon as you are back.").waitFor()
    await page.context().setOffline(false)
    await trouble.getByText("The service can't be reached.").waitFor()
    await page.unroute("**/votes")
    await counted(page, "Plums")
    assert.strictEqual(await trouble.textContent(), "")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("sends a vote again whose answer was lost, also after a reload, as the same vote", async (web) => {
    const slug = await web.poll()
    const page = await web.page({}, network)
    const keys = keysOf(page)
    await page.route("**/votes", async (route) => {
      await route.fetch()
      await route.abort()
    })
    await page.goto(`/polls/${slug}`)
    await button(page, "Apples").click()
    await page.getByText("Your vote is kept here").waitFor()
    await page.unroute("**/votes")
    await page.reload()
    await counted(page, "Apples")
    assert.isAtLeast(keys.length, 2)
    assert.strictEqual(new Set(keys).size, 1)
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  for (const [how, hold] of [
    ["fails", true],
    ["is held back by a proxy", false]
  ] as const) {
    test(`asks for results where the stream ${how}`, async (web) => {
      const slug = await web.poll()
      const page = await web.page({}, network)
      await page.route("**/results/stream", (route) => (hold ? route.abort() : undefined))
      await page.goto(`/polls/${slug}`)
      await votes(page, "pears", "0 votes")
      await web.ask(`/api/polls/${slug}/votes`, { option: "pears" })
      await votes(page, "pears", "1 vote")
      await page.unrouteAll({ behavior: "ignoreErrors" })
    })
  }
})
