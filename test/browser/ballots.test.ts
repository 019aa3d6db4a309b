import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"
import { assertNoSidewaysScroll, smallest, violations } from "./accessible.ts"
import { button, castJson, totalVotes, votes } from "./voter.ts"
import { browserTests, type Web } from "./web.ts"

type Fields = NonNullable<Parameters<Web["Service"]["poll"]>[0]>

const browserVoter = { ballot: "changeable", identity: "browser" } as const
const several: Fields = { kind: "multiple", max: 2, abstain: true, ...browserVoter }
const scored: Fields = { kind: "score", ...browserVoter }
const spread: Fields = { kind: "points", budget: 10, spend_all: true, ballot: "once", identity: "browser" }
const ranked: Fields = { kind: "ranked", max: 2, ...browserVoter }

const send = (page: Page) => button(page, "Send the ballot").click()
const left = (page: Page, text: string) => page.locator("#left").getByText(text, { exact: true }).waitFor()
const said = (page: Page, text: string) => page.locator("#notice-text").getByText(text, { exact: true }).waitFor()

/** Waits until an option's result has these words, such as `1 of 2 ballots`. */
const result = (page: Page, option: string, words: string) =>
  page.locator(`#result-${option}`).getByText(words, { exact: true }).waitFor()

/** Presses Tab until what is focused has that value. */
const tabTo = async (page: Page, id: string): Promise<void> => {
  for (let presses = 0; presses < 40; presses++) {
    if ((await page.evaluate("document.activeElement.id || document.activeElement.name")) === id) return
    await page.keyboard.press("Tab")
  }
  assert.fail(`Tab does not lead to ${id}`)
}

/** Returns the options as they stand in the ranking, each with its rank if it has one. */
const order = (page: Page): Promise<unknown> =>
  page.evaluate(
    "[...document.querySelectorAll('.ranking .rank')].map((row) => row.querySelector('.badge').textContent + row.children[1].firstChild.data).join(' ')"
  )

browserTests("a ballot that is filled in", (test) => {
  test("for several options is ticked, undone, sent, and filled in anew from what was cast", async (web) => {
    const slug = await web.poll(several)
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await left(page, "0 chosen, 1 more needed.")
    await send(page)
    await page.getByRole("alert").getByText("Please choose 1 to 2.").waitFor()
    for (const name of ["Apples", "Pears", "Plums"]) await page.getByRole("checkbox", { name }).check()
    await left(page, "3 chosen, 1 too many.")
    assert.strictEqual(await page.getByRole("alert").filter({ hasText: "Please" }).count(), 0)
    await button(page, "Undo").click()
    await left(page, "Undone. 2 chosen.")
    // Another's vote moves the bars, and nothing else.
    await castJson(web, slug, { options: ["plums"] })
    await result(page, "plums", "1 of 1 ballot")
    assert.isTrue(await page.getByRole("checkbox", { name: "Pears" }).isChecked())
    await send(page)
    await said(page, "Your vote for Apples + Pears is counted.")
    await result(page, "pears", "1 of 2 ballots")
    await page.getByText("they may add up to more than 100%").waitFor()
    await page.reload()
    await left(page, "2 chosen.")
    await button(page, "Abstain").click()
    await said(page, "Your abstention is counted.")
    await page.getByText("2 votes counted, 1 of them an abstention", { exact: true }).waitFor()
    assert.strictEqual(await totalVotes(web, slug, 2), 2)
  })

  test("with scores is filled in by keyboard alone", async (web) => {
    const slug = await web.poll(scored)
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await tabTo(page, "score-pears")
    for (let presses = 0; presses < 5; presses++) await page.keyboard.press("ArrowRight")
    await left(page, "1 of 3 have a score.")
    await tabTo(page, "send")
    await page.keyboard.press("Enter")
    await said(page, "Your vote (Pears: 4) is counted.")
    await result(page, "pears", "4.00")
    await page.getByRole("img", { name: "Pears, ballots by score: 0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 5: 0" }).waitFor()
  })

  test("with many scores has a slider, and says what is wrong beside the field", async (web) => {
    const slug = await web.poll({ ...scored, min: -100, max: 100 })
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    const slider = page.getByRole("slider", { name: "Apples" })
    assert.strictEqual(await slider.getAttribute("aria-valuetext"), "No score")
    await slider.focus()
    await page.keyboard.press("End")
    assert.isNull(await slider.getAttribute("aria-valuetext"))
    await page.locator("#score-pears").fill("1.5")
    await page.keyboard.press("Enter")
    await page.locator("#error-pears").getByText("Needs a whole number from -100 to 100.").waitFor()
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "score-pears")
    await page.locator("#score-pears").fill("-20")
    await page.keyboard.press("Enter")
    await said(page, "Your vote (Apples: 100, Pears: -20) is counted.")
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "score-pears")
    await result(page, "pears", "-20.00")
  })

  test("with points says what is left, and asks before it is final", async (web) => {
    const slug = await web.poll(spread)
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    for (let taps = 0; taps < 3; taps++) await button(page, "One point more for Apples").click()
    await left(page, "Apples has 3 points. 7 points left of 10.")
    const other = await page.context().newPage()
    await other.goto(`/polls/${slug}`)
    await button(other, "One point more for Pears").click()
    await left(other, "Pears has 1 point. 9 points left of 10.")
    await send(page)
    await page.getByRole("alert").getByText("Please give out exactly 10 points.").waitFor()
    await page.getByRole("spinbutton", { name: "Plums" }).fill("7")
    await left(page, "0 points left of 10.")
    await send(page)
    await page.getByText("Send your vote (Apples: 3, Plums: 7)? It is final.").waitFor()
    await page.keyboard.press("Escape")
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "send")
    await page.getByRole("spinbutton", { name: "Plums" }).press("Enter")
    await button(page, "Send, it is final").click()
    await said(page, "Your vote (Apples: 3, Plums: 7) is counted.")
    // The other tab shows the vote that counts, not what nobody can send any more.
    await other.waitForFunction("document.getElementById('points-plums').value === '7'")
    assert.strictEqual(await other.getByRole("spinbutton", { name: "Pears" }).inputValue(), "")
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "send")
    assert.strictEqual(await button(page, "Send the ballot").getAttribute("aria-disabled"), "true")
    assert.isTrue(await page.getByRole("spinbutton", { name: "Plums" }).isDisabled())
    await result(page, "plums", "7 points from 1 ballot")
    await page.getByText("Percentages are of the 10 points given.").waitFor()
    // All of it can be reached also where text is made twice as large.
    await page.setViewportSize(smallest.viewport)
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    await assertNoSidewaysScroll(page)
  })

  test("is ranked by taps, by drag and by keyboard", async (web) => {
    const slug = await web.poll(ranked)
    const page = await web.page({ viewport: { width: 360, height: 900 } })
    await page.goto(`/polls/${slug}`)
    const tap = (name: string) => page.getByRole("button", { name: new RegExp(`^${name} .*rank`) })
    await tap("Plums").click()
    await tap("Apples").click()
    assert.strictEqual(await order(page), "1Plums 2Apples Pears")
    await tap("Pears").click()
    await left(page, "No more than 2 can be ranked. 2 ranked.")
    await button(page, "Move Apples").focus()
    await page.keyboard.press("ArrowUp")
    await left(page, "Apples is ranked 1. 2 ranked.")
    assert.strictEqual(await order(page), "1Apples 2Plums Pears")
    const middle = async (name: string) => {
      const box = await button(page, `Move ${name}`).boundingBox()
      return [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2] as const
    }
    const [from, to] = [await middle("Apples"), await middle("Plums")]
    await page.mouse.move(...from)
    await page.mouse.down()
    await page.mouse.move(to[0], to[1] + 15, { steps: 8 })
    await page.mouse.up()
    await left(page, "Apples is ranked 2. 2 ranked.")
    await button(page, "Undo").click()
    assert.strictEqual(await order(page), "1Apples 2Plums Pears")
    await tap("Plums").click()
    await left(page, "Plums is not ranked. 1 ranked, 1 more possible.")
    await send(page)
    await said(page, "Your vote (1. Apples) is counted.")
    await result(page, "apples", "first on 1 ballot")
    await page.getByText("Elected as it stands: Apples.").waitFor()
    await page.getByText("The rounds as a table").click()
    const table = page.getByRole("region", { name: "The rounds as a table" })
    await table.getByText("Apples").waitFor()
    // What the reader has opened stays open when the results change.
    await castJson(web, slug, { ranking: ["plums", "apples"] })
    await result(page, "plums", "first on 1 ballot")
    await table.getByText("Plums").waitFor()
    await page.reload()
    await page.waitForFunction("document.querySelector('.ranking .badge')?.textContent === '1'")
    assert.strictEqual(await order(page), "1Apples Pears Plums")
  })

  test("is asked about by the names that its options have, and no more once it can't be cast", async (web) => {
    const slug = await web.poll(spread)
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    await page.getByRole("spinbutton", { name: "Plums" }).fill("10")
    await page.keyboard.press("Enter")
    await page.getByText("Send your vote (Plums: 10)? It is final.").waitFor()
    const patch = (fields: object) =>
      fetch(`${web.url}/api/polls/${slug}`, {
        method: "PATCH",
        headers: { authorization: `Bearer ${web.adminToken}`, "content-type": "application/json", "if-match": "*" },
        body: JSON.stringify(fields)
      })
    const options = ["Plums", "Pears", "Apples"].map((label, index) => ({
      id: ["apples", "pears", "plums"][index],
      label
    }))
    await patch({ options })
    await page.getByText("Send your vote (Apples: 10)? It is final.").waitFor()
    await web.ask(`/api/polls/${slug}/close`, {})
    await button(page, "Send, it is final").waitFor({ state: "hidden" })
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "send")
    assert.strictEqual(await page.locator("#notice-text").textContent(), "")
    // Whoever was asked just then may take it for sent.
    const unsent = page.getByText("The poll has closed: what you have chosen was not sent.")
    await unsent.waitFor()
    const tapped = await web.poll({ ballot: "once", identity: "browser" })
    await page.goto(`/polls/${tapped}`)
    await button(page, "Pears").click()
    await page.getByText("Send your vote for Pears? It is final.").waitFor()
    await web.ask(`/api/polls/${tapped}/close`, {})
    await unsent.waitFor()
    await web.ask(`/api/polls/${tapped}/reopen`, {})
    await unsent.waitFor({ state: "hidden" })
  })

  test("keeps the focus where another tab of the voter has sent a ranking", async (web) => {
    const slug = await web.poll(ranked)
    const page = await web.page()
    await page.goto(`/polls/${slug}`)
    const other = await page.context().newPage()
    await other.goto(`/polls/${slug}`)
    await button(other, "Move Pears").focus()
    for (const name of ["Plums", "Apples"]) {
      await page.getByRole("button", { name: new RegExp(`^${name} .*rank`) }).click()
    }
    await send(page)
    await said(other, "Your vote (1. Plums, 2. Apples) is counted.")
    assert.strictEqual(await order(other), "1Plums 2Apples Pears")
    assert.strictEqual(await other.evaluate("document.activeElement.getAttribute('aria-label')"), "Move Pears")
  })

  test("stays as it is while others' votes come in, and can still be undone", async (web) => {
    const page = await web.page()
    const meanwhile = async (
      fields: Fields,
      fill: () => Promise<unknown>,
      other: object,
      [option, words]: readonly [string, string],
      filled: () => Promise<unknown>
    ) => {
      const slug = await web.poll(fields)
      await page.goto(`/polls/${slug}`)
      const empty = await filled()
      await fill()
      const before = await filled()
      assert.notDeepEqual(before, empty)
      await castJson(web, slug, other)
      await result(page, option, words)
      assert.deepStrictEqual(await filled(), before, fields.kind)
      await button(page, "Undo").click()
      assert.deepStrictEqual(await filled(), empty, fields.kind)
    }
    const values = () =>
      page.evaluate("[...document.querySelectorAll('form input')].map(({ checked, value }) => checked + ' ' + value)")
    const score = () =>
      page.getByRole("group", { name: "Pears" }).getByRole("radio", { name: "4", exact: true }).check()
    await meanwhile(scored, score, { scores: { apples: 5 } }, ["apples", "mean of 1 ballot"], values)
    const slide = async () => {
      await page.getByRole("slider", { name: "Apples" }).focus()
      await page.keyboard.press("End")
    }
    const wide = { ...scored, min: -100, max: 100 }
    await meanwhile(wide, slide, { scores: { pears: 7 } }, ["pears", "mean of 1 ballot"], values)
    const give = () => button(page, "One point more for Apples").click()
    await meanwhile(spread, give, { points: { plums: 10 } }, ["plums", "10 points from 1 ballot"], values)
    const tap = () => page.getByRole("button", { name: /^Plums .*rank/ }).click()
    await meanwhile(ranked, tap, { ranking: ["pears"] }, ["pears", "first on 1 ballot"], () => order(page))

    // One tap is a vote; where it is final, the page asks first, and goes on asking.
    const slug = await web.poll({ ballot: "once", identity: "browser" })
    await page.goto(`/polls/${slug}`)
    await button(page, "Pears").click()
    const sure = button(page, "Send, it is final")
    await sure.waitFor()
    await castJson(web, slug, { option: "plums" })
    await votes(page, "plums", "1 vote")
    assert.isTrue(await sure.isVisible())
  })

  test("needs no JavaScript", async (web) => {
    const page = await web.page({ ...smallest, javaScriptEnabled: false }, /status of 422/)
    const cast = async (fields: Fields, fill: () => Promise<unknown>, wrong: string, mend: () => Promise<unknown>) => {
      const slug = await web.poll(fields)
      await page.goto(`/polls/${slug}`)
      await fill()
      await send(page)
      await page.locator(".field-error").getByText(wrong).waitFor()
      await mend()
      await send(page)
      await page.getByText(/^Your vote is (in|counted)/).waitFor()
      assert.strictEqual(await totalVotes(web, slug), 1)
    }
    const box = (name: string) => page.getByRole("checkbox", { name })
    const all = async () => {
      for (const name of ["Apples", "Pears", "Plums"]) await box(name).check()
    }
    await cast(several, all, "Please choose 1 to 2.", () => box("Plums").uncheck())
    const score = (name: string, value: string) =>
      page.getByRole("group", { name }).getByRole("radio", { name: value, exact: true }).check()
    await cast(
      { ...scored, every: true },
      () => score("Apples", "0"),
      "Please give each option a score.",
      async () => {
        // What was chosen is there still.
        await score("Pears", "5")
        await score("Plums", "3")
      }
    )
    const points = (name: string, value: string) => page.getByRole("spinbutton", { name }).fill(value)
    await cast(
      spread,
      () => points("Apples", "9"),
      "Please give out exactly 10 points.",
      () => points("Pears", "1")
    )
    const rank = (name: string, value: string) => page.getByRole("combobox", { name }).selectOption(value)
    await cast(
      ranked,
      () => rank("Pears", "2"),
      "Please rank 1 to 2",
      () => rank("Apples", "1")
    )
  })

  for (const colorScheme of ["light", "dark"] as const) {
    test(`is accessible on a small phone (${colorScheme})`, async (web) => {
      const page = await web.page({ ...smallest, colorScheme })
      for (const [fields, body] of [
        [several, { options: ["apples", "plums"] }],
        [scored, { scores: { apples: 5, pears: 0 } }],
        [{ ...scored, min: -100, max: 100 }, { scores: { apples: 50 } }],
        [spread, { points: { apples: 3, pears: 7 } }],
        [ranked, { ranking: ["plums", "apples"] }]
      ] as const) {
        const slug = await web.poll(fields)
        await castJson(web, slug, body)
        await page.goto(`/polls/${slug}`)
        await page.getByText("1 vote counted").waitFor()
        await send(page)
        assert.deepStrictEqual(await violations(page), [], fields.kind)
        await assertNoSidewaysScroll(page)
      }
    })
  }
})
