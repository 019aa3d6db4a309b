import { assert } from "@effect/vitest"
import { button, counted, keysOf, totalVotes, votes } from "./voter.ts"
import { browserTests } from "./web.ts"

const network = /net::ERR_/

browserTests("taps on the voting page", (test) => {
  test("count one by one where each vote does, and the page says how many were sent", async (web) => {
    const slug = await web.poll()
    const page = await web.page()
    const keys = keysOf(page)
    await page.goto(`/polls/${slug}`)
    for (let taps = 0; taps < 20; taps++) await button(page, taps % 2 === 0 ? "Pears" : "Plums").click()
    await page.getByText("Your vote for Plums is counted. 20 votes sent from this browser.").waitFor()
    await votes(page, "pears", "10 votes")
    await votes(page, "plums", "10 votes")
    assert.strictEqual(new Set(keys).size, 20)
    assert.strictEqual(keys.length, 20)
    assert.strictEqual(await totalVotes(web, slug, 20), 20)
    await page.reload()
    await page.getByText("20 votes sent from this browser.").waitFor()
    assert.strictEqual(keys.length, 20)
  })

  test("wait in their order while the network is away, also for a reload, and none is sent twice", async (web) => {
    const slug = await web.poll()
    const page = await web.page({}, network)
    const sent: Array<string> = []
    let away = true
    await page.route("**/votes", async (route) => {
      sent.push(route.request().postDataJSON().option)
      // The service takes the first one, and the answer is lost.
      if (sent.length === 1) await route.fetch()
      if (away) await route.abort()
      else await route.continue()
    })
    await page.goto(`/polls/${slug}`)
    for (const name of ["Pears", "Plums", "Plums", "Apples"]) await button(page, name).click()
    await page.getByText("The service can't be reached. Your 4 votes are kept here").waitFor()
    assert.notInclude(await page.locator("#notice").textContent(), "sent from this browser")
    await page.reload()
    await page.getByText("The service can't be reached. Your 4 votes are kept here").waitFor()
    away = false
    await page.getByText("Your vote for Apples is counted. 4 votes sent from this browser.").waitFor()
    assert.deepStrictEqual(sent.slice(-4), ["pears", "plums", "plums", "apples"])
    assert.strictEqual(await totalVotes(web, slug, 4), 4)
    await page.unrouteAll({ behavior: "ignoreErrors" })
  })

  test("are not taken beyond a hundred that wait, and the page says so", async (web) => {
    const slug = await web.poll()
    const page = await web.page({}, network)
    await page.route("**/votes", (route) => route.abort())
    await page.goto(`/polls/${slug}`)
    await page.evaluate("for (let taps = 0; taps < 101; taps++) document.getElementById('vote-pears').click()")
    await page.getByText("Your 100 votes are kept here").waitFor()
    // However often they are tried again meanwhile.
    await page.waitForRequest("**/votes")
    await page.getByText("This vote was not taken: 100 votes wait to be sent already.").waitFor()
    await page.unroute("**/votes")
    // It would try again by itself, after a pause that has grown.
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await page
      .getByText("Your vote for Pears is counted. 100 votes sent from this browser.")
      .waitFor({ timeout: 25_000 })
    await votes(page, "pears", "100 votes")
    assert.strictEqual(await totalVotes(web, slug, 100), 100)
  })

  test("that came too late are told to be none", async (web) => {
    const slug = await web.poll()
    const page = await web.page({}, /net::ERR_|status of 409/)
    await page.route("**/votes", (route) => route.abort())
    await page.goto(`/polls/${slug}`)
    for (let taps = 0; taps < 3; taps++) await button(page, "Pears").click()
    await page.getByText("Your 3 votes are kept here").waitFor()
    await web.ask(`/api/polls/${slug}/close`, {})
    await page.unroute("**/votes")
    await page.getByText("This poll is not open for votes. 3 votes were not taken.").waitFor()
    await votes(page, "pears", "0 votes")
    assert.notInclude(await page.locator("main").textContent(), "sent from this browser")
  })

  test("are one vote where only one counts, however fast they come", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser" })
    const page = await web.page()
    const keys = keysOf(page)
    await page.goto(`/polls/${slug}`)
    await button(page, "Pears").dblclick()
    await page.getByText(/^Your vote (for Pears is counted|for Pears is in already)\.$/).waitFor()
    await button(page, "Plums").click()
    await counted(page, "Plums")
    assert.strictEqual(keys.length, 2)
    await votes(page, "plums", "1 vote")
    assert.strictEqual(await totalVotes(web, slug), 1)
  })
})
