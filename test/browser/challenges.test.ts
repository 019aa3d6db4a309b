import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"
import { insecureHost } from "./chromium.ts"
import { button, counted, keysOf, totalVotes, voteForGood, votes } from "./voter.ts"
import { browserTests } from "./web.ts"

const challenged = { challenge: "pow" } as const

/** What the console says about votes that are refused. */
const refused = /status of (403|503)/

/** Collects the solutions that a page sends with its votes. */
const solutionsOf = (page: Page): ReadonlyArray<string> => {
  const solutions: Array<string> = []
  page.on("request", (request) => {
    if (request.url().endsWith("/votes")) solutions.push(request.headers()["challenge-solution"] ?? "none")
  })
  return solutions
}

browserTests("the page of a poll with a challenge", (test) => {
  test("solves one for each vote, in a worker, the first before anyone votes", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page()
    const [solutions, workers] = [solutionsOf(page), [] as string[]]
    page.on("worker", (worker) => workers.push(new URL(worker.url()).pathname))
    const asked = page.waitForRequest(`**/api/polls/${slug}/challenge`)
    await page.goto(`/polls/${slug}`)
    await asked
    await button(page, "Pears").click()
    await counted(page, "Pears")
    await page.waitForTimeout(1_100)
    await button(page, "Plums").click()
    await counted(page, "Plums")
    await votes(page, "plums", "1 vote")
    assert.lengthOf(solutions, 2)
    assert.lengthOf([...new Set(solutions)], 2)
    assert.notInclude(solutions, "none")
    assert.lengthOf(workers, 2)
    for (const worker of workers) assert.match(worker, /^\/assets\/solver-\w+\.js$/)
    assert.strictEqual(await totalVotes(web, slug, 2), 2)
  })

  test("says that it works on it where that takes long, and votes then", async (web) => {
    const slug = await web.poll({ ...challenged, ballot: "once", identity: "browser" })
    const page = await web.page()
    let go = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    await page.route("**/challenge", async (route) => {
      await held
      await route.continue()
    })
    await page.goto(`/polls/${slug}`)
    await voteForGood(page, "Pears")
    await page.getByText("Your browser is solving a small task. Then your vote for Pears is sent …").waitFor()
    go()
    await counted(page, "Pears")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("solves another one where the first is refused, and keeps the vote's key", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({}, refused)
    const [solutions, keys] = [solutionsOf(page), keysOf(page)]
    // As if it had been used, or had run out on the way.
    await page.route("**/votes", (route) => {
      const headers =
        solutions.length === 1 ? { ...route.request().headers(), "challenge-solution": "e30=" } : undefined
      return route.continue(headers === undefined ? {} : { headers })
    })
    await page.goto(`/polls/${slug}`)
    await button(page, "Pears").click()
    await counted(page, "Pears")
    assert.lengthOf([...new Set(solutions)], 2)
    assert.lengthOf([...new Set(keys)], 1)
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("sends the same solution again where the service was away", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({}, refused)
    const solutions = solutionsOf(page)
    await page.route("**/votes", (route) =>
      solutions.length === 1 ? route.fulfill({ status: 503, headers: { "retry-after": "1" } }) : route.continue()
    )
    await page.goto(`/polls/${slug}`)
    await button(page, "Pears").click()
    await counted(page, "Pears")
    assert.lengthOf(solutions, 2)
    assert.lengthOf([...new Set(solutions)], 1)
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("says so where none is taken", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({}, refused)
    const solutions = solutionsOf(page)
    await page.route("**/votes", (route) =>
      route.continue({ headers: { ...route.request().headers(), "challenge-solution": "e30=" } })
    )
    await page.goto(`/polls/${slug}`)
    await button(page, "Pears").click()
    await page.getByText("your browser did not solve the task of this poll").waitFor()
    assert.lengthOf(solutions, 2)
  })

  test("keeps a vote while offline, and solves its challenge once it can be had", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({}, /net::ERR_INTERNET_DISCONNECTED/)
    const solutions = solutionsOf(page)
    await page.route("**/challenge", (route) => route.abort("internetdisconnected"))
    await page.goto(`/polls/${slug}`)
    await page.context().setOffline(true)
    await button(page, "Pears").click()
    await page.getByText("Your vote is kept here").waitFor()
    assert.deepStrictEqual(solutions, [])
    await page.unroute("**/challenge")
    await page.context().setOffline(false)
    await counted(page, "Pears")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("says that it needs JavaScript where there is none, and takes no vote", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({ javaScriptEnabled: false })
    await page.goto(`/polls/${slug}`)
    const said = page.locator("noscript p").first()
    assert.match((await said.textContent()) ?? "", /^Voting in this poll needs JavaScript/)
    assert.isTrue(await said.isVisible())
    assert.isTrue(await button(page, "Pears").isDisabled())
    const form = await page.request.post(`/polls/${slug}`, {
      form: { option: "pears", key: "a-key" },
      headers: { origin: web.url }
    })
    assert.strictEqual(form.status(), 403)
    assert.include(await form.text(), "Voting in this poll needs JavaScript")
  })

  test("says that it needs HTTPS where the connection is not secure", async (web) => {
    const slug = await web.poll(challenged)
    const page = await web.page({}, /Cross-Origin-Opener-Policy header has been ignored/)
    await page.goto(`http://${insecureHost}:${new URL(web.url).port}/polls/${slug}`)
    await page.getByText("Voting in this poll needs a secure connection").waitFor()
    assert.strictEqual(await button(page, "Pears").getAttribute("aria-disabled"), "true")
  })
})
