import { assert } from "@effect/vitest"
import { assertNoSidewaysScroll, smallest, violations } from "./accessible.ts"
import { totalVotes } from "./voter.ts"
import { browserTests } from "./web.ts"

browserTests("the pages, for everyone", (test) => {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`the voting page is accessible on a small phone (${colorScheme})`, async (web) => {
      const page = await web.page({ ...smallest, colorScheme })
      await page.goto("/")
      await page.getByText(/votes? counted/).waitFor()
      assert.deepStrictEqual(await violations(page), [])
      await page.getByRole("button", { name: "Dogs", exact: true }).click()
      await page.getByText("Your vote for Dogs is counted.").waitFor()
      await page.waitForTimeout(500)
      assert.deepStrictEqual(await violations(page), [])
      await assertNoSidewaysScroll(page)
      for (const box of await page.locator(".option").all()) {
        assert.isAtLeast((await box.boundingBox())?.height ?? 0, 44)
      }
      // On paper, which is white, words are dark.
      await page.emulateMedia({ media: "print" })
      assert.strictEqual(await page.evaluate("getComputedStyle(document.body).color"), "rgb(23, 27, 38)")
    })

    test(`so is the admin's (${colorScheme})`, async (web) => {
      await web.poll({ identity: "token", title: "A question whose words are many and long: Donaudampfschifffahrt" })
      // The page tries the token with a request that is refused for its body.
      const page = await web.page({ ...smallest, colorScheme }, /status of 422/)
      await page.goto("/admin")
      assert.deepStrictEqual(await violations(page), [])
      await page.getByLabel("Admin token").fill(web.adminToken)
      await page.keyboard.press("Enter")
      const chosen = page.getByRole("link", { name: "A question whose words" }).first()
      await chosen.waitFor()
      assert.deepStrictEqual(await violations(page), [])
      await assertNoSidewaysScroll(page)
      await chosen.press("Enter")
      await page.getByRole("heading", { level: 2 }).waitFor()
      await page.waitForTimeout(500)
      // Millions of votes have the room that they take.
      const room = `(([total]) => ((total.textContent = "23,456,789"), total.clientWidth - total.scrollWidth))(document.querySelectorAll(".figure dd"))`
      assert.strictEqual(await page.evaluate(room), 0)
      assert.deepStrictEqual(await violations(page), [])
      await assertNoSidewaysScroll(page)
      // Where text is twice as large, the state goes below the question, which would have a letter a line beside it.
      const twice = (size: string) => page.evaluate(`document.documentElement.style.fontSize = "${size}"`)
      await twice("200%")
      await assertNoSidewaysScroll(page)
      assert.isAbove((await page.getByRole("heading", { level: 2 }).boundingBox())?.width ?? 0, 150)
      await twice("")
      await page.getByRole("link", { name: "New poll" }).press("Enter")
      await page.getByLabel("Options, one a line").waitFor()
      await page.getByRole("button", { name: "Create the poll" }).press("Enter")
      await page.getByText("Write what is asked").waitFor()
      assert.deepStrictEqual(await violations(page), [])
      await assertNoSidewaysScroll(page)
      await page.getByLabel("Points, given out").check()
      await twice("200%")
      await assertNoSidewaysScroll(page)
    })
  }

  test("long words and many options fit on a small phone", async (web) => {
    const long = Array.from({ length: 12 }, (_, index) => ({
      id: `o-${index}`,
      label: `${"Rinderkennzeichnung".repeat(3)}${index}`
    }))
    const options = [...long, { id: "hebrew", label: "קפה?" }]
    const slug = await web.poll({ options, description: "https://example.org/".padEnd(300, "x") })
    const page = await web.page(smallest, /status of 404/)
    await page.goto(`/polls/${slug}`)
    await assertNoSidewaysScroll(page)
    await page.locator("#vote-o-0").click()
    await page.getByText("is counted.").waitFor()
    const mark = page.locator("#mark-o-0").getByText("Counted", { exact: true })
    assert.isBelow((await mark.boundingBox())?.y ?? 640, 640, "what became of the vote is in view")
    await assertNoSidewaysScroll(page)
    // A question from right to left ends at the left.
    const ends = await page.evaluate(`[0, 3].map((at) => {
      const range = document.createRange()
      const text = document.getElementById("vote-hebrew").firstChild
      range.setStart(text, at)
      range.setEnd(text, at + 1)
      return range.getBoundingClientRect().left
    })`)
    assert.isTrue(Array.isArray(ends) && ends[1] < ends[0], String(ends))
    // Its log may have nothing yet.
    await page.goto(`/polls/${slug}/verify`)
    await page.evaluate('document.documentElement.style.fontSize = "200%"')
    await assertNoSidewaysScroll(page)
  })

  test("the form votes without JavaScript", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "browser", results: "after_vote" })
    const page = await web.page({ ...smallest, javaScriptEnabled: false }, /status of 409/)
    await page.goto(`/polls/${slug}`)
    await page.getByText("You see the results once you have voted.").waitFor()
    await page.getByRole("button", { name: "Plums", exact: true }).click()
    await page.getByText(/^Your vote is (in|counted)/).waitFor()
    // Results are read at most once a second, so they may be behind the receipt.
    for (let tries = 0; tries < 100 && !(await page.getByText("1 vote counted").isVisible()); tries++) {
      await page.reload()
    }
    await page.getByText("Your vote is counted.").waitFor()
    await page.getByRole("button", { name: "Pears", exact: true }).click()
    await page.getByText("You have voted in this poll, and that vote is final. Your vote was not taken.").waitFor()
    assert.strictEqual(await totalVotes(web, slug), 1)
  })

  test("and takes a voter's token", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "token" })
    const { tokens } = await web.ask(`/api/polls/${slug}/tokens`, { count: 1 })
    const page = await web.page({ javaScriptEnabled: false }, /status of 40[13]/)
    await page.goto(`/polls/${slug}`)
    await page.getByLabel("Your voting token: what follows #token= in your link").fill("not-a-token")
    await page.getByRole("button", { name: "Plums", exact: true }).click()
    await page.locator(".field-error", { hasText: "Your personal link is not valid for this poll." }).waitFor()
    await page.getByLabel("Your voting token").fill(String(Array.isArray(tokens) ? tokens[0] : ""))
    await page.getByRole("button", { name: "Plums", exact: true }).click()
    await page.getByText(/^Your vote is (in|counted)/).waitFor()
  })
})
