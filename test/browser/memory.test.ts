import { assert } from "@effect/vitest"
import { button, counted, totalVotes, voteForGood, votes } from "./voter.ts"
import { browserTests, type Web } from "./web.ts"

/** What the console says about votes that are refused, and results that are hidden. */
const refused = /status of (401|403|409)/

const linksOf = async (web: Web["Service"], slug: string, count: number): Promise<ReadonlyArray<string>> => {
  const { tokens } = await web.ask(`/api/polls/${slug}/tokens`, { count })
  return Array.isArray(tokens) ? tokens.map((token) => `/polls/${slug}#token=${token}`) : []
}

/** The text of the vote that the page speaks of. */
const notice = "#notice-text"

browserTests("what the voting page remembers", (test) => {
  for (const [how, same] of [
    ["each in a tab", false],
    ["one after the other in one tab", true]
  ] as const) {
    test(`is of one voter: two people's links in one browser, ${how}`, async (web) => {
      const slug = await web.poll({ ballot: "once", identity: "token" })
      const [first = "", second = ""] = await linksOf(web, slug, 2)
      const page = await web.page()
      await page.goto(first)
      await voteForGood(page, "Plums")
      await counted(page, "Plums")
      const other = same ? page : await page.context().newPage()
      await other.goto(second)
      await other.waitForFunction("document.querySelector('.option.mine') === null && location.hash === ''")
      await other.locator(`${notice}:empty`).waitFor({ state: "attached" })
      await voteForGood(other, "Pears")
      await counted(other, "Pears")
      await votes(other, "pears", "1 vote")
      await votes(other, "plums", "1 vote")
      // Each finds their own again, and no token is left where it outlives the tab.
      await other.goto(first)
      await counted(other, "Plums")
      assert.strictEqual(await totalVotes(web, slug, 2), 2)
      assert.notInclude(String(await other.evaluate("JSON.stringify({ ...localStorage })")), first.split("=")[1] ?? "")
    })
  }

  test("is one for a provider's user, whatever token each sign-in brings", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "provider" })
    const page = await web.page()
    await page.goto(`/polls/${slug}#token=${await web.signIn("ann")}`)
    await button(page, "Plums").click()
    await counted(page, "Plums")
    await page.goto("about:blank")
    await page.goto(`/polls/${slug}#token=${await web.signIn("bob")}`)
    await page.locator(`${notice}:empty`).waitFor({ state: "attached" })
    await page.goto("about:blank")
    await page.goto(`/polls/${slug}#token=${await web.signIn("ann")}`)
    await counted(page, "Plums")
  })

  test("is not that of a browser's former cookie", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "browser" })
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await voteForGood(page, "Plums")
    await counted(page, "Plums")
    const cookies = await page.context().cookies()
    await page.context().clearCookies()
    await page.reload()
    await page.locator(`${notice}:empty`).waitFor({ state: "attached" })
    await voteForGood(page, "Pears")
    await counted(page, "Pears")
    await page.context().addCookies(cookies)
    await page.reload()
    await counted(page, "Plums")
    assert.strictEqual(await totalVotes(web, slug, 2), 2)
  })

  test("is the same in another tab, as soon as it changes", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser", results: "after_vote" })
    const page = await web.page({}, refused)
    await page.goto(`/polls/${slug}`)
    const other = await page.context().newPage()
    await other.goto(`/polls/${slug}`)
    await button(page, "Apples").click()
    await counted(page, "Apples")
    await counted(other, "Apples")
    await votes(other, "apples", "1 vote")
    await button(other, "Pears").click()
    await counted(other, "Pears")
    await counted(page, "Pears")
    await page.locator("#mark-pears").getByText("Counted", { exact: true }).waitFor()
    assert.strictEqual(await page.locator("#mark-apples").textContent(), "")
    assert.strictEqual(await totalVotes(web, slug), 1)
    // A page that the browser has put away hears of nothing until it is shown again.
    const mine = { choice: "plums", voteId: crypto.randomUUID(), streamId: "1-0", status: "superseded" }
    await page.evaluate(`{
      const [name] = Object.keys(localStorage)
      localStorage.setItem(name, ${JSON.stringify(JSON.stringify({ pending: [], mine, sent: 3 }))})
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
    }`)
    await page.getByText("Your vote for Plums was replaced").waitFor()
  })

  test("waits in a tab that is closed, and is sent by another", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser" })
    const page = await web.page({}, /net::ERR_/)
    await page.route("**/votes", (route) => route.abort())
    await page.goto(`/polls/${slug}`)
    const other = await page.context().newPage()
    await other.goto(`/polls/${slug}`)
    await button(page, "Apples").click()
    await page.getByText("Your vote is kept here").waitFor()
    await page.close()
    await other.evaluate("dispatchEvent(new Event('focus'))")
    await counted(other, "Apples")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("is not of a deleted poll whose slug another one has", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "browser", log: "off" })
    const page = await web.page({}, /status of (404|409)/)
    await page.goto(`/polls/${slug}`)
    await voteForGood(page, "Plums")
    await counted(page, "Plums")
    await web.ask(`/api/polls/${slug}/archive`, {})
    const headers = { authorization: `Bearer ${web.adminToken}` }
    await fetch(`${web.url}/api/polls/${slug}?slug=${slug}`, { method: "DELETE", headers })
    await web.poll({ slug, ballot: "once", identity: "browser", log: "off" })
    await page.goto(`/polls/${slug}`)
    assert.strictEqual(await page.locator(notice).textContent(), "")
    // It opens ten seconds after it was made.
    await page.locator("#ballot:not(.disabled)").waitFor({ timeout: 20_000 })
    await voteForGood(page, "Pears")
    await counted(page, "Pears")
    await page.reload()
    await counted(page, "Pears")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  for (const junk of [
    "null",
    "{",
    '"x"',
    '{"pending":{"choice":"pears","key":"k"},"mine":7}',
    '{"pending":[null,{}]}'
  ]) {
    test(`may be junk: ${junk}`, async (web) => {
      const slug = await web.poll({ ballot: "once", identity: "browser" })
      const page = await web.page()
      await page.goto(`/polls/${slug}`)
      const name = await page.locator("#poll").getAttribute("data-voter")
      for (const key of [`tallykeep:poll:${slug}`, `tallykeep:poll:${slug}:${name}`]) {
        await page.evaluate(`localStorage.setItem(${JSON.stringify(key)}, ${JSON.stringify(junk)})`)
      }
      await page.reload()
      await voteForGood(page, "Plums")
      await counted(page, "Plums")
      await page.reload()
      await counted(page, "Plums")
    })
  }

  for (const [how, script] of [
    [
      "can't be read",
      "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })"
    ],
    ["is full", "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }"],
    [
      "is not there",
      "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { value: null })"
    ]
  ] as const) {
    test(`lasts as long as the page where the browser's storage ${how}`, async (web) => {
      const slug = await web.poll({ ballot: "once", identity: "token" })
      const [link = ""] = await linksOf(web, slug, 1)
      const page = await web.page()
      await page.addInitScript(script)
      await page.goto(link)
      await voteForGood(page, "Plums")
      await counted(page, "Plums")
      assert.strictEqual(await button(page, "Pears").getAttribute("aria-disabled"), "true")
      assert.strictEqual(await totalVotes(web, slug), 1)
    })
  }
})
