import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"
import { readQrCode } from "../support/qrCode.ts"
import { violations } from "./accessible.ts"
import { loseAnswers, openDesk } from "./desk.ts"
import { castJson } from "./voter.ts"
import { browserTests, type Web } from "./web.ts"

/** A request is refused for its body when the page tries the token, or for the version that it is based on; answers get lost. */
const expected = /status of (412|422)|ERR_FAILED/

/** Changes or deletes a poll elsewhere. */
const elsewhere = async (web: Web["Service"], method: "PATCH" | "DELETE", path: string, body: unknown = {}) => {
  const answer = await fetch(`${web.url}/api/polls/${path}`, {
    method,
    headers: { authorization: `Bearer ${web.adminToken}`, "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(body)
  })
  assert.isTrue(answer.ok, await answer.text())
}

const phone = { viewport: { width: 360, height: 740 }, timezoneId: "Europe/Berlin" }

/** How the poll that is shown is said to stand. */
const stateIs = (page: Page, state: string) => page.locator(".head .state", { hasText: state }).waitFor()

browserTests("the life of a poll, at the desk", (test) => {
  test("goes from nothing to a shared poll, mended and extended after it had closed", async (web) => {
    const page = await web.page(phone, expected)
    page.on("dialog", (dialog) => dialog.accept())
    await openDesk(page, web.adminToken)
    await page.getByRole("link", { name: "New poll" }).click()
    await page.getByLabel("Question").fill("Welche Größe?")
    await page.getByLabel("Options, one a line").fill("Small\nLarje")
    await page.getByRole("button", { name: "Save as a draft" }).click()
    await stateIs(page, "Draft")
    // It has no results yet.
    assert.strictEqual(await page.getByRole("button", { name: /Download CSV|Picture of/ }).count(), 0)
    await page.getByRole("button", { name: "Publish" }).click()
    await stateIs(page, "Open")
    await page.locator("h2:focus").waitFor()

    // Shared by its code, voted in, and then a label is mended.
    const code = await page.context().request.get(`${web.url}/polls/welche-groesse/qr.svg`)
    const address = readQrCode(await code.text()) ?? ""
    assert.strictEqual(address, `${web.url}/polls/welche-groesse`)
    const voter = await web.page()
    await voter.goto(address)
    await voter.getByRole("button", { name: "Larje", exact: true }).click()
    await voter.getByText("Your vote for Larje is counted.").waitFor()
    await voter.close()
    await page.getByText("1 vote", { exact: true }).waitFor()
    await page.getByRole("link", { name: "Edit" }).click()
    await page.getByText("There are votes").waitFor()
    assert.isTrue(await page.getByLabel("Each voter's first").isHidden())
    assert.isTrue(await page.getByLabel("Everyone, once they are final").isHidden())
    await page.getByLabel("Options, one a line").fill("Larje\nSmall")
    await page.getByRole("button", { name: "Save" }).click()
    await page.getByText("Keep as many options as there are").waitFor()
    await page.getByLabel("Options, one a line").fill("Small\nLarge\nHuge")
    await page.getByRole("button", { name: "Save" }).click()
    await page.getByText("Keep as many options as there are").waitFor()
    await page.getByLabel("Options, one a line").fill("Small\nLarge")
    // It is saved, which the desk finds out when it is told to do so again.
    await loseAnswers(page, "**/api/polls/welche-groesse", "PATCH")
    await page.getByRole("button", { name: "Save" }).click()
    await page.locator("form .trouble").getByText("The service could not be reached.").waitFor()
    await page.unroute("**/api/polls/welche-groesse")
    await page.getByRole("button", { name: "Save" }).click()
    await page.getByText("Edited on").first().waitFor()
    assert.deepStrictEqual((await web.ask("/api/polls/welche-groesse")).options, [
      { id: "small", label: "Small" },
      { id: "larje", label: "Large" }
    ])

    // Closed, and extended after that.
    await page.getByRole("button", { name: "Close the poll" }).click()
    await stateIs(page, "Final")
    await page.getByLabel("Closes").fill("2020-01-01T00:00")
    await page.getByRole("button", { name: "Open it again" }).click()
    await page.getByText("This time has passed").waitFor()
    await page.getByLabel("Closes").fill("2027-03-28T02:30")
    await page.getByRole("button", { name: "Open it again" }).click()
    await page.getByText("There is no such time on that day").waitFor()
    await page.getByLabel("Closes").fill("2099-01-01T00:00")
    await page.getByRole("button", { name: "Open it again" }).click()
    await stateIs(page, "Open")
    await page.getByText("It was closed from").waitFor()

    await page.getByText("History").click()
    const history = page.locator(".history li")
    await history.filter({ hasText: "Edited: options" }).waitFor()
    await history.filter({ hasText: "Opened again" }).waitFor()
    assert.deepStrictEqual(await violations(page), [])
  })

  test("ends with its result, its copy and the archive", async (web) => {
    const options = ["Small", "Large"].map((label) => ({ id: label.toLowerCase(), label }))
    const rules = { ballot: "open", identity: "anyone", results: "live" }
    await web.ask("/api/polls", { slug: "wie-gross", title: "Wie groß?", options, ...rules })
    const page = await web.page({ ...phone, acceptDownloads: true }, /status of (409|412|422)/)
    await openDesk(page, web.adminToken)
    await page.goto("/admin#/polls/wie-gross")
    const downloaded = page.waitForEvent("download")
    await page.getByRole("button", { name: "Download CSV" }).click()
    assert.include(await readFile(await (await downloaded).path(), "utf8"), "Large")
    const pictured = page.waitForEvent("download")
    await page.getByRole("button", { name: "Picture of the results" }).click()
    assert.strictEqual((await pictured).suggestedFilename(), "wie-gross-results.png")

    // A copy for the next time, under a number; the old one goes to the archive, and then for good.
    await web.ask("/api/polls", { slug: "wie-gross-2", title: "Wie groß?", options, ...rules, draft: true })
    await web.ask("/api/polls/wie-gross-2/archive", {})
    await page.getByRole("button", { name: "Duplicate" }).click()
    await page.getByRole("heading", { name: "Edit “Wie groß?”" }).waitFor()
    assert.deepStrictEqual(await violations(page), [])
    await elsewhere(web, "DELETE", "wie-gross-2?slug=wie-gross-2")
    assert.deepInclude(await web.ask("/api/polls/wie-gross-3"), { status: "draft", title: "Wie groß?" })
    await page.goto("/admin#/polls/wie-gross")
    await page.getByRole("button", { name: "Archive" }).click()
    await page.getByText("In the archive").first().waitFor()
    await page.getByRole("link", { name: "All polls" }).click()
    await page.getByLabel("Search polls").fill("Groß")
    await page.getByRole("link", { name: "Cats or dogs?" }).waitFor({ state: "hidden" })
    await page.getByRole("link", { name: "Wie groß? Draft" }).waitFor()
    assert.strictEqual(await page.locator(".poll").count(), 1)
    await page.getByLabel("Status").selectOption("Archive")
    await page.getByRole("link", { name: "Wie groß? Open" }).click()
    await page.getByText("Delete this poll").click()
    await page.getByLabel("To delete it, write").fill("wie")
    await page.getByRole("button", { name: "Delete for good" }).click()
    await page.getByText("Write wie-gross here").waitFor()
    await page.getByLabel("To delete it, write").fill("wie-gross")
    await page.getByRole("button", { name: "Delete for good" }).click()
    await page.getByText("There is no such poll.").waitFor()
  })

  test("says that a draft's closing time has passed, and has its record to the end", async (web) => {
    const slug = await web.poll({ draft: true, closes_at: new Date(Date.now() + 1_000).toISOString() })
    for (let edit = 1; edit <= 100; edit++) await elsewhere(web, "PATCH", slug, { listed: edit % 2 === 1 })
    const page = await web.page(phone, expected)
    await openDesk(page, web.adminToken)
    await page.goto(`/admin#/polls/${slug}`)
    await page.locator(".detail").getByText("Its closing time has passed").waitFor()
    await page.getByRole("button", { name: "Publish" }).click()
    await page.locator(".closing").getByText("Must be a time in the future").waitFor()
    await stateIs(page, "Draft")

    await page.getByText("History").click()
    const [history, older] = [page.locator(".history li"), page.getByRole("button", { name: "Show older entries" })]
    await older.waitFor()
    assert.strictEqual(await history.count(), 100)
    await older.click()
    await history.filter({ hasText: "Created" }).waitFor()
    await page.locator(".history:focus").waitFor()
    assert.isTrue(await older.isHidden())
    assert.deepStrictEqual(await violations(page), [])
  })

  test("is found again at the desk once the service is", async (web) => {
    const slug = await web.poll({ title: "Still there?" })
    const page = await web.page({}, /ERR_FAILED|status of 422/)
    await openDesk(page, web.adminToken)
    await page.route(`**/api/polls/${slug}`, (route) => route.abort())
    await page.goto(`/admin#/polls/${slug}`)
    await page.locator(".detail").getByText("The service can't be reached. Trying again …").waitFor()
    // Somebody who searches meanwhile goes on with that.
    const search = page.getByLabel("Search polls")
    await search.focus()
    await page.unroute(`**/api/polls/${slug}`)
    await page.getByRole("heading", { name: "Still there?" }).waitFor()
    await page.locator("input[type=search]:focus").waitFor()

    // What was done, but had no answer, is not spoken of any more once it shows.
    await page.route(`**/api/polls/${slug}/archive`, (route) => route.abort())
    await page.getByRole("button", { name: "Archive" }).click()
    const trouble = page.getByText("The service could not be reached. Please try again.")
    await trouble.waitFor()
    await web.ask(`/api/polls/${slug}/archive`, {})
    await page.getByRole("button", { name: "Take out of the archive" }).waitFor()
    assert.isTrue(await trouble.isHidden())
  })

  test("tells the second of two tabs what the first has changed, and overwrites nothing", async (web) => {
    const slug = await web.poll({ title: "Before" })
    const [first, second] = [await web.page({}, expected), await web.page({}, expected)]
    for (const page of [first, second]) {
      await openDesk(page, web.adminToken)
      await page.goto(`/admin#/polls/${slug}/edit`)
      await page.getByLabel("Question").waitFor()
    }
    await second.getByLabel("Question").fill("Of the second")
    await first.getByLabel("Question").fill("Of the first")
    await first.getByRole("button", { name: "Save" }).click()
    await first.getByRole("heading", { name: "Of the first", exact: true }).waitFor()
    await second.getByRole("button", { name: "Save" }).click()
    await second.getByText("changed elsewhere meanwhile").waitFor()
    assert.strictEqual(await second.getByLabel("Question").inputValue(), "Of the second")
    assert.deepInclude(await web.ask(`/api/polls/${slug}`), { title: "Of the first" })
    await second.getByRole("button", { name: "Start again" }).click()
    await second.getByRole("heading", { name: "Edit “Of the first”" }).waitFor()
    assert.strictEqual(await second.getByLabel("Question").inputValue(), "Of the first")
    // What is shown of it elsewhere follows.
    await second.goto(`/admin#/polls/${slug}`)
    await second.getByRole("heading", { name: "Of the first", exact: true }).waitFor()
    const closes = second.getByLabel("Closes")
    await closes.fill("2099-01-01T00:00")
    await second.getByRole("button", { name: "Duplicate" }).focus()
    await first.getByRole("link", { name: "Edit" }).click()
    await first.getByLabel("Question").fill("Of the first again")
    await first.getByRole("button", { name: "Save" }).click()
    await second.getByRole("heading", { name: "Of the first again" }).waitFor()
    // What is filled in there stays, and so does the focus. A double click sends it once, of which nobody says that it was not saved.
    await second.locator("button:focus", { hasText: "Duplicate" }).waitFor()
    assert.strictEqual(await closes.inputValue(), "2099-01-01T00:00")
    let changes = 0
    second.on("request", (request) => request.method() === "PATCH" && changes++)
    await second.getByRole("button", { name: "Set the closing time" }).dblclick()
    await second.locator(".detail").getByText("Closes on 1 Jan 2099").waitFor()
    assert.strictEqual(changes, 1)
    // A time that is set to what it is keeps its seconds.
    await elsewhere(web, "PATCH", slug, { closes_at: "2098-01-01T00:00:30Z" })
    await second.locator(".detail").getByText("Closes on 1 Jan 2098").waitFor()
    const set = second.getByRole("button", { name: "Set the closing time" })
    await set.click()
    await second.locator(".closing button:enabled").waitFor()
    assert.deepInclude(await web.ask(`/api/polls/${slug}`), { closes_at: "2098-01-01T00:00:30.000Z" })
  })

  test("is followed by a page that is open, from before it is published until it is deleted", async (web) => {
    const slug = await web.poll({ kind: "ranked", ballot: "changeable", identity: "browser", draft: true })
    const page = await web.page(phone, /status of 40[34]/)
    await page.goto(`/polls/${slug}`)
    await page.getByText("There is no such poll").first().waitFor()
    await elsewhere(web, "PATCH", slug, { draft: false })
    await page.getByRole("button", { name: /^Pears/ }).click()
    await page.getByText("Pears is ranked 1.").waitFor()
    await castJson(web, slug, { ranking: ["apples"] })
    await page.getByText("1 vote counted").waitFor()

    // What is being filled in stays, under its new name.
    const options = ["Apples", "Green pears", "Plums"].map((label, index) => ({
      id: ["apples", "pears", "plums"][index],
      label
    }))
    await elsewhere(web, "PATCH", slug, { title: "Which fruit now?", options, closes_at: "2099-01-01T00:00:00Z" })
    await page.getByText("Just changed: the question, the options' names and the closing time.").waitFor()
    await page.getByRole("heading", { name: "Which fruit now?" }).waitFor()
    await page.getByRole("button", { name: "Green pears rank 1", exact: true }).waitFor()
    await page.getByRole("button", { name: "Move Green pears" }).waitFor()
    await page.locator("#result-pears", { hasText: "Green pears" }).waitFor()
    await page.getByText("Closes in").waitFor()
    await page.getByRole("button", { name: "Send the ballot" }).click()
    await page.getByText("Your vote (1. Green pears) is counted.").waitFor()
    options[1] = { id: "pears", label: "Ripe pears" }
    await elsewhere(web, "PATCH", slug, { options })
    await page.getByText("Your vote (1. Ripe pears) is counted.").waitFor()

    await web.ask(`/api/polls/${slug}/close`, {})
    await page.locator("#state", { hasText: "Final" }).waitFor()
    await web.ask(`/api/polls/${slug}/reopen`, {})
    await page.locator("#state", { hasText: "Open" }).waitFor()
    await page.getByText("It was closed in between").waitFor()
    await page.getByRole("button", { name: /^Plums/ }).click()
    await page.getByRole("button", { name: "Send the changed ballot" }).click()
    await page.getByText("Your vote (1. Ripe pears, 2. Plums) is counted.").waitFor()
    assert.deepStrictEqual(await violations(page), [])

    await web.ask(`/api/polls/${slug}/archive`, {})
    await page.getByText("This poll is in the archive.").waitFor()
    await elsewhere(web, "DELETE", `${slug}?slug=${slug}`)
    await page.getByText("This poll is not there any more").waitFor()
    await page.locator("#state", { hasText: "Deleted" }).waitFor()
    await page.locator("#ballot.disabled").waitFor()
  })

  test("reaches pages that hide the results, and takes another ballot to them", async (web) => {
    const slug = await web.poll({ kind: "multiple", ballot: "once", identity: "browser", results: "after_vote" })
    const [idle, busy] = [await web.page({}, /status of 403/), await web.page({}, /status of 403/)]
    for (const page of [idle, busy]) await page.goto(`/polls/${slug}`)
    await busy.getByLabel("Pears").check()
    await elsewhere(web, "PATCH", slug, { title: "Which fruit, please?" })
    for (const page of [idle, busy]) await page.getByText("Just changed: the question.").waitFor()
    const options = ["Figs", "Dates"].map((label) => ({ id: label.toLowerCase(), label }))
    await elsewhere(web, "PATCH", slug, { options, max: 2 })
    await idle.getByLabel("Figs").waitFor()
    await busy.getByText("The ballot of this poll was changed.").waitFor()
    assert.isTrue(await busy.getByLabel("Pears").isChecked())
    await busy.getByRole("link", { name: "Show the new ballot" }).click()
    await busy.getByLabel("Figs").waitFor()
  })

  test("keeps a vote that comes while the poll is changed, unless that was for another ballot", async (web) => {
    const same = await web.poll({ results: "after_close" })
    const other = await web.poll({ results: "after_close" })
    const open = async (slug: string): Promise<Page> => {
      const page = await web.page({}, /status of (409|422)|ERR_FAILED/)
      // So that it does not hear of the change before the vote is sent.
      await page.route(/\/results/, (route) => route.abort())
      await page.goto(`/polls/${slug}`)
      return page
    }
    const [kept, dropped] = [await open(same), await open(other)]
    const options = ["Figs", "Dates"].map((label) => ({ id: label.toLowerCase(), label }))
    await Promise.all([
      elsewhere(web, "PATCH", same, { opens_at: "2020-01-01T00:00:00Z" }),
      elsewhere(web, "PATCH", other, { options })
    ])
    for (const page of [kept, dropped]) await page.getByRole("button", { name: "Pears", exact: true }).click()
    await kept.getByText("The poll is being changed. Your vote is kept here").waitFor()
    await kept.locator("#state", { hasText: "Being changed" }).waitFor()
    await dropped.getByText("The ballot of this poll was changed.").waitFor()
    assert.deepStrictEqual(await violations(kept), [])
    await dropped.getByRole("link", { name: "Show the new ballot" }).click()
    await dropped.getByRole("button", { name: "Figs" }).waitFor()
    await kept.getByText("Your vote for Pears is counted.").waitFor({ timeout: 30_000 })
    await kept.locator("#state", { hasText: "Open" }).waitFor()
    assert.deepInclude(await web.ask(`/api/polls/${other}/results`), { total_votes: 0 })
  })
})
