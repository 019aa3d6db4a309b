import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"
import { button, counted, totalVotes, voteForGood, votes } from "./voter.ts"
import { browserTests } from "./web.ts"

/** What Safari 15.0, Chrome 90 or Firefox 90 does not have, among what a page might well use. */
const newer = [
  "AbortSignal: timeout any abort",
  "AbortSignal.prototype: throwIfAborted",
  "Array: fromAsync",
  "Array.prototype: at findLast findLastIndex toSorted toReversed toSpliced with",
  "CSSStyleSheet.prototype: replace replaceSync",
  "Document.prototype: startViewTransition adoptedStyleSheets",
  "Element.prototype: checkVisibility setHTML setHTMLUnsafe getHTML",
  "HTMLDialogElement.prototype: show showModal close",
  "HTMLElement.prototype: inert showPopover hidePopover togglePopover",
  "HTMLInputElement.prototype: showPicker",
  "Iterator.prototype: map filter toArray forEach reduce some every find take drop flatMap",
  "Map: groupBy",
  "Math: sumPrecise f16round",
  "Navigator.prototype: locks share userActivation wakeLock storage",
  "Object: groupBy hasOwn",
  "Promise: withResolvers try",
  "Response: json",
  "Set.prototype: union intersection difference symmetricDifference isSubsetOf isSupersetOf isDisjointFrom",
  "String.prototype: at isWellFormed toWellFormed",
  "SubmitEvent.prototype: submitter",
  "Uint8Array: fromBase64 fromHex",
  "URL: canParse parse",
  "window: structuredClone BroadcastChannel scheduler navigation requestIdleCallback cookieStore CompressionStream",
  // Safari keeps it from pages without HTTPS, as others do, and had it late.
  "Crypto.prototype: randomUUID"
]

/** Takes it all away before the page's script runs, there and in its workers. */
const makeOlder = async (page: Page): Promise<void> => {
  const script = `for (const line of ${JSON.stringify(newer)}) {
    const [path, names] = line.split(': ')
    const object = path.split('.').reduce((found, name) => found?.[name], globalThis)
    for (const name of names.split(' ')) if (object) delete object[name]
  };`
  await page.addInitScript(script.replace("globalThis)", "globalThis.window)"))
  await page.route("**/assets/solver-*.js", async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `{ globalThis.window = globalThis; ${script} }\n${await response.text()}` })
  })
}

browserTests("a browser of the year 2021", (test) => {
  for (const challenge of ["none", "pow"] as const) {
    test(`votes, by finger and by keyboard, with the challenge ${challenge}`, async (web) => {
      const slug = await web.poll({ challenge })
      const page = await web.page()
      await makeOlder(page)
      await page.goto(`/polls/${slug}`)
      assert.deepStrictEqual(
        await page.evaluate("[typeof AbortSignal.timeout, typeof [].at, 'submitter' in SubmitEvent.prototype]"),
        ["undefined", "undefined", false]
      )
      await votes(page, "pears", "0 votes")
      await button(page, "Pears").click()
      await counted(page, "Pears")
      await button(page, "Plums").focus()
      await page.keyboard.press("Enter")
      await page.getByText("Your vote for Plums is counted. 2 votes sent from this browser.").waitFor()
      await votes(page, "plums", "1 vote")
      assert.strictEqual(await totalVotes(web, slug, 2), 2)
    })
  }

  test("votes by a personal link, and keeps its vote while the service is away", async (web) => {
    const slug = await web.poll({ ballot: "once", identity: "token", results: "after_vote" })
    const { tokens } = await web.ask(`/api/polls/${slug}/tokens`, { count: 1 })
    const page = await web.page({}, /net::ERR_|status of 403/)
    await makeOlder(page)
    await page.route("**/votes", (route) => route.abort())
    await page.goto(`/polls/${slug}#token=${String(Array.isArray(tokens) ? tokens[0] : "")}`)
    await voteForGood(page, "Pears")
    await page.getByText("The service can't be reached. Your vote is kept here").waitFor()
    await page.unroute("**/votes")
    await counted(page, "Pears")
    await votes(page, "pears", "1 vote")
  })

  test("fills in a ballot, and hears what is wrong with it", async (web) => {
    const slug = await web.poll({ kind: "ranked", ballot: "changeable", identity: "browser" })
    const page = await web.page()
    await makeOlder(page)
    await page.goto(`/polls/${slug}`)
    await button(page, "Send the ballot").click()
    await page.getByText("Please rank 1 to 3").waitFor()
    await page.getByRole("button", { name: /^Pears .*rank/ }).click()
    await button(page, "Move Plums").focus()
    await page.keyboard.press("ArrowUp")
    await button(page, "Send the ballot").click()
    await page.getByText("Your vote (1. Pears, 2. Plums) is counted.").waitFor()
  })

  test("runs polls", async (web) => {
    const page = await web.page({}, /status of 422/)
    await makeOlder(page)
    await page.goto("/admin")
    await page.getByLabel("Admin token").fill(web.adminToken)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("link", { name: "New poll" }).click()
    await page.getByLabel("Question").fill("An older question?")
    await page.getByLabel("Options, one a line").fill("Yes\nNo")
    await page.getByLabel("Holders of a voter link").check()
    await page.getByRole("button", { name: "Create the poll" }).click()
    await page.getByRole("heading", { name: "An older question?" }).waitFor()
    await page.getByRole("button", { name: "Make voter links" }).click()
    const links = page.getByLabel("One link for each voter")
    await links.waitFor()
    assert.include(await links.inputValue(), "#token=")
    await page.getByText("0 votes", { exact: true }).first().waitFor()
    page.on("dialog", (dialog) => void dialog.accept())
    await page.getByRole("button", { name: "Close the poll" }).click()
    await page.locator(".card .state", { hasText: "Final" }).waitFor()
  })
})
