import { assert } from "@effect/vitest"
import { button, counted, keysOf, totalVotes, voteForGood, votes } from "./voter.ts"
import { browserTests } from "./web.ts"

/** What the console says about votes and results that are refused. */
const refused = /status of (401|403|409)/

browserTests("the voting page", (test) => {
  test("shows a vote as counted, and its bar moves in another browser", async (web) => {
    const [mine, other] = [await web.page(), await web.page()]
    // Only the stream can move the bars.
    await other.route("**/results", (route) => route.abort())
    await Promise.all([mine.goto("/"), other.goto("/polls/cats-or-dogs")])
    await votes(other, "cats", "0 votes")
    await other.waitForTimeout(500)
    await button(mine, "Cats").click()
    await votes(other, "cats", "1 vote")
    assert.strictEqual(await other.locator("#bar-cats").getAttribute("value"), "100")
    // Else it goes on to ask for results, and complains in the midst of other tests.
    await other.close()
    await counted(mine, "Cats")
    const receipt = await mine.getByRole("link", { name: "Receipt" }).getAttribute("href")
    assert.deepInclude(await web.ask(receipt ?? ""), { status: "counted" })
    await mine.reload()
    await counted(mine, "Cats")
    await mine.locator("#mark-cats").getByText("Counted", { exact: true }).waitFor()
  })

  test("can be used with the keyboard alone", async (web) => {
    const slug = await web.poll()
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    for (let presses = 0; presses < 10; presses++) {
      await page.keyboard.press("Tab")
      if ((await page.evaluate("document.activeElement.value")) === "pears") break
    }
    // A key that is held down is one press, as it is one vote.
    const keys = keysOf(page)
    for (let repeats = 0; repeats < 3; repeats++) await page.keyboard.down("Enter")
    await page.keyboard.up("Enter")
    await counted(page, "Pears")
    assert.strictEqual(keys.length, 1)
    assert.strictEqual(await page.evaluate("document.activeElement.value"), "pears")
    assert.strictEqual(
      await page.locator("#notice").getByRole("status").first().textContent(),
      "Your vote for Pears is counted."
    )
    // Nor does it answer the question that it has raised.
    const final = await web.poll({ ballot: "once", identity: "browser" })
    await page.goto(`/polls/${final}`)
    await button(page, "Pears").focus()
    for (let repeats = 0; repeats < 3; repeats++) await page.keyboard.down("Enter")
    await page.locator("button:focus", { hasText: "Send, it is final" }).waitFor()
    await page.keyboard.up("Enter")
    // That it closes is read out.
    await web.ask(`/api/polls/${final}/close`, {})
    await page.getByRole("status").getByText("Final", { exact: true }).waitFor()
    assert.strictEqual(keys.length, 1)
  })

  test("says that a vote is final where the first counts, also to a second page of the browser", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "browser" })
    const page = await web.page({}, refused)
    await page.goto(`/polls/${slug}`)
    await voteForGood(page, "Apples")
    await counted(page, "Apples")
    assert.strictEqual(await button(page, "Pears").getAttribute("aria-disabled"), "true")
    await page.evaluate("localStorage.clear()")
    await page.reload()
    await voteForGood(page, "Pears")
    await page.getByText("You have voted in this poll, and that vote is final. Your vote was not taken.").waitFor()
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("changes a vote where the latest counts", async (web) => {
    const slug = await web.poll({ ballot: "changeable", identity: "browser" })
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await button(page, "Apples").click()
    await counted(page, "Apples")
    await button(page, "Pears").click()
    await counted(page, "Pears")
    await votes(page, "apples", "0 votes")
    await votes(page, "pears", "1 vote")
  })

  test("takes the voter's token from the link, and hides results until then", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "token", results: "after_vote" })
    const { tokens } = await web.ask(`/api/polls/${slug}/tokens`, { count: 1 })
    const stranger = await web.page({}, refused)
    await stranger.goto(`/polls/${slug}`)
    await stranger.getByText("needs the personal link").waitFor()
    const page = await web.page({}, refused)
    const link = `/polls/${slug}#token=${String(Array.isArray(tokens) ? tokens[0] : "")}`
    await page.goto(link)
    await page.getByText("You see the results once you have voted.").waitFor()
    assert.notInclude(page.url(), "token")
    await voteForGood(page, "Plums")
    await counted(page, "Plums")
    await votes(page, "plums", "1 vote")

    // With another device, of which the service has to say it: without a clock that would have it ask now and then.
    const other = await web.page({}, refused)
    await other.clock.install()
    await other.goto(link)
    await other.getByText("You see the results once you have voted.").waitFor()
    await other.clock.pauseAt(Date.now() + 2_000)
    await voteForGood(other, "Pears")
    await other.getByText("You have voted in this poll, and that vote is final. Your vote was not taken.").waitFor()
    await votes(other, "plums", "1 vote")
  })

  test("takes the token of an identity provider from the link, and asks for it in other words", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "provider" })
    const stranger = await web.page()
    await stranger.goto(`/polls/${slug}`)
    await stranger.getByText("needs a sign-in").waitFor()
    for (const user of ["ann", "bob"]) {
      const page = await web.page()
      await page.goto(`/polls/${slug}#token=${await web.signIn(user)}`)
      await voteForGood(page, "Plums")
      await counted(page, "Plums")
      assert.notInclude(page.url(), "token")
    }
    const wrong = await web.page({}, refused)
    await wrong.goto(`/polls/${slug}#token=${(await web.signIn("eve")).slice(0, -4)}`)
    await voteForGood(wrong, "Plums")
    await wrong.getByText("Your sign-in is not valid for this poll").waitFor()
    assert.strictEqual(await totalVotes(web, slug, 2), 2)
  })

  test("has its voter before it votes, and no vote sets another", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "browser" })
    const page = await web.page()
    const setting: Array<string> = []
    page.on("response", async (response) => {
      if ((await response.allHeaders())["set-cookie"] !== undefined) setting.push(new URL(response.url()).pathname)
    })
    await page.goto(`/polls/${slug}`)
    const [voter] = await page.context().cookies()
    assert.deepInclude(voter, { name: "tallykeep_voter", path: "/", httpOnly: true, sameSite: "Lax" })
    await voteForGood(page, "Apples")
    await counted(page, "Apples")
    await page.reload()
    await counted(page, "Apples")
    assert.deepStrictEqual(await page.context().cookies(), [voter])
    assert.deepStrictEqual(setting, [`/polls/${slug}`])
  })

  test("may use no more of the browser than it does, in names that this one knows", async (web) => {
    const page = await web.page()
    const said: Array<string> = []
    page.on("console", (message) => said.push(message.text()))
    await page.goto("/")
    await votes(page, "dogs", "0 votes")
    assert.deepStrictEqual(said, [])
    const features = ["fullscreen", "clipboard-write", "screen-wake-lock", "camera", "geolocation", "usb"]
    const allowed = await page.evaluate(
      `${JSON.stringify(features)}.filter((feature) => document.featurePolicy.allowsFeature(feature))`
    )
    assert.deepStrictEqual(allowed, ["fullscreen", "clipboard-write", "screen-wake-lock"])
  })

  test("says when a poll closes, and that it has", async (web) => {
    const slug = await web.poll({ closes_at: new Date(Date.now() + 3_600_000).toISOString() })
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await page.getByText(/^Vote as often as you like: each vote counts\. Closes in (59|60) minutes, on /).waitFor()
    await web.ask(`/api/polls/${slug}/close`, {})
    await page.locator("#state").getByText("Final").waitFor()
    const former = "Everyone could vote as often as they liked: each vote counts."
    await page.getByText(former).waitFor()
    assert.include(await (await fetch(page.url())).text(), former)
    assert.strictEqual(await button(page, "Pears").getAttribute("aria-disabled"), "true")
  })

  test("says it at once where the poll closes by its time", async (web) => {
    const closesMs = Date.now() + 4_000
    const slug = await web.poll({ closes_at: new Date(closesMs).toISOString() })
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await page.getByText(/^Closed since .*\. The result is final\.$/).waitFor()
    assert.isAtLeast(Date.now(), closesMs)
    assert.strictEqual(await button(page, "Pears").getAttribute("aria-disabled"), "true")
  })

  for (const [how, blocked] of [
    ["the stream brings them", "**/results"],
    ["it has to ask for them", "**/results/stream"]
  ] as const) {
    test(`shows results that were hidden once they are final, where ${how}`, async (web) => {
      const slug = await web.poll({ results: "after_close" })
      const page = await web.page({}, /net::ERR_|status of 403/)
      await page.route(blocked, (route) => route.abort())
      await page.goto(`/polls/${slug}`)
      await page.getByText("The results are shown once the poll has closed and all votes are counted.").waitFor()
      await button(page, "Plums").click()
      await counted(page, "Plums")
      await web.ask(`/api/polls/${slug}/close`, {})
      await votes(page, "plums", "1 vote")
      await page.locator("#state").getByText("Final").waitFor()
      await page.unrouteAll({ behavior: "ignoreErrors" })
    })
  }
})
