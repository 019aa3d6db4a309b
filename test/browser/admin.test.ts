import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import jsQr from "jsqr"
import type { Locator, Page } from "playwright-core"
import { readQrCode } from "../support/qrCode.ts"
import { loseAnswers, openDesk } from "./desk.ts"
import { totalVotes, voteForGood } from "./voter.ts"
import { browserTests } from "./web.ts"

/** The page tries the token with a request that is refused, either for its body or for the token. */
const tried = /status of (401|422)/

/** Waits until a field holds a text. */
const comesToSay = async (field: Locator, text: string): Promise<void> => {
  for (let tries = 0; (await field.inputValue()) !== text; tries++) {
    assert.isBelow(tries, 200, `the field says ${await field.inputValue()}`)
    await field.page().waitForTimeout(50)
  }
}

/** Returns how wide a picture is, and its pixels once it is made so wide and high. */
const lookAt = async (page: Page, png: Buffer, [width, height]: readonly [number, number]) => {
  const script = `async (bytes) => {
    const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)]))
    const context = Object.assign(document.createElement("canvas"), { width: ${width}, height: ${height} }).getContext("2d")
    context.drawImage(picture, 0, 0, ${width}, ${height})
    return { width: picture.width, pixels: context.getImageData(0, 0, ${width}, ${height}).data.join() }
  }`
  const seen: { readonly width: number; readonly pixels: string } = await page.evaluate(`(${script})([${png.join()}])`)
  return { width: seen.width, pixels: new Uint8ClampedArray(seen.pixels.split(",").map(Number)) }
}

browserTests("the desk", (test) => {
  test("makes a poll, its voters' links and its CSV, shows it live, and closes it", async (web) => {
    const page = await web.page({ acceptDownloads: true }, tried)
    await page.goto("/admin")
    await page.getByLabel("Admin token").fill("not-the-admin-token")
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByText("This is not the admin token.").waitFor()
    await page.getByLabel("Admin token").fill(web.adminToken)
    const sent: Array<string> = []
    page.on("request", (request) => request.method() === "POST" && sent.push(new URL(request.url()).pathname))
    await page.getByRole("button", { name: "Sign in" }).dblclick()

    await page.locator("a:focus", { hasText: "New poll" }).click()
    await page.getByLabel("Question").fill("Was für ein Käse?")
    await page.getByLabel("Options, one a line").fill("Emmentaler\n\nÉpoisses\nOption 4\n何か\n")
    await page.getByLabel("Each voter's first").check()
    assert.isTrue(await page.getByLabel("Anyone").isDisabled())
    await page.getByLabel("Holders of a voter link").check()
    await page.getByLabel("a small task for the browser").check()
    await page.getByRole("group", { name: "Public log" }).getByLabel("No", { exact: true }).check()
    await page.getByRole("button", { name: "Create the poll" }).click()
    await page.getByRole("heading", { name: "Was für ein Käse?" }).waitFor()
    await page.getByText("Public log: No").waitFor()
    const poll = await web.ask("/api/polls/was-fuer-ein-kaese")
    assert.deepInclude(poll, {
      ballot: "once",
      identity: "token",
      results: "live",
      challenge: "pow",
      log: "off",
      status: "open"
    })
    assert.deepStrictEqual(poll.options, [
      { id: "emmentaler", label: "Emmentaler" },
      { id: "epoisses", label: "Époisses" },
      { id: "option-4", label: "Option 4" },
      { id: "option-5", label: "何か" }
    ])

    // The poll's address lets nobody vote here.
    assert.strictEqual(await page.getByLabel("Link for voters").count(), 0)
    await page
      .getByLabel("Link to the poll")
      .and(page.getByRole("textbox", { description: /a voter link/ }))
      .waitFor()
    await page.getByLabel("How many").fill("2")
    await page.getByRole("button", { name: "Make voter links" }).dblclick()
    const made = page.getByLabel("One link for each voter")
    await made.waitFor()
    const links = (await made.inputValue()).split("\n")
    assert.strictEqual(links.length, 2)
    // A double click is one press: two would have made links that nobody has.
    const [polls, tokens] = ["/api/polls", "/api/polls/was-fuer-ein-kaese/tokens"]
    assert.deepStrictEqual(sent, [polls, polls, tokens])
    await page.getByRole("button", { name: "Copy all" }).click()
    await page.getByText("Copied.").waitFor()
    const voter = await web.page()
    await voter.goto(links[0] ?? "")
    await voteForGood(voter, "Époisses")
    await voter.getByText("Your vote for Époisses is counted.").waitFor()
    await page.getByText("1 vote", { exact: true }).waitFor()
    assert.isAtLeast(await page.locator(".chart canvas").count(), 1)

    const downloaded = page.waitForEvent("download")
    await page.getByRole("button", { name: "Download CSV" }).click()
    assert.include(await readFile(await (await downloaded).path(), "utf8"), "epoisses")

    page.on("dialog", (dialog) => dialog.accept())
    await page.getByRole("button", { name: "Close the poll" }).click()
    await page.locator(".head .state").getByText("Final").waitFor()
    await page.locator("nav .state").getByText("Final").waitFor()
    assert.deepInclude(await web.ask("/api/polls/was-fuer-ein-kaese"), { status: "final" })
    // Who wants to print the end of it has its result and when that became final, without the buttons.
    await page.getByText("Final since ").waitFor()
    await page.getByText("History").click()
    await page.locator(".history li").getByText("Voter links made: 2 (admin)").waitFor()
    await page.emulateMedia({ media: "print" })
    assert.strictEqual(await page.locator("button:visible, nav:visible").count(), 0)
    await page.getByText("Winner: Époisses.").waitFor()
    assert.isTrue(await page.getByAltText("QR code of").isVisible())
    await page.emulateMedia({ media: null })
    // The second voter comes too late, and a third one has no link: there is nothing left that would need one.
    for (const address of [links[1] ?? "", "/polls/was-fuer-ein-kaese"]) {
      const late = await web.page()
      await late.goto(address)
      await late.getByText("Winner: Époisses.").waitFor()
      assert.strictEqual(await late.locator("#notice-text").textContent(), "")
    }
    const plain = await web.page({ javaScriptEnabled: false })
    await plain.goto("/polls/was-fuer-ein-kaese")
    await plain.getByText("Winner: Époisses.").waitFor()
    const needed = plain.locator("noscript p", { hasText: "needs JavaScript" })
    assert.strictEqual(await needed.count(), 0)
    await web.ask("/api/polls/was-fuer-ein-kaese/reopen", {})
    // Results are read at most once a second, so they may say for a moment that it is over.
    for (let tries = 0; tries < 100 && !(await needed.isVisible()); tries++) await plain.reload()
    await needed.waitFor()
  })

  test("lasts for as long as one of its tabs is open", async (web) => {
    const page = await web.page({}, tried)
    await openDesk(page, web.adminToken)
    await page.reload()
    await page.getByRole("link", { name: "New poll" }).waitFor()
    const other = await page.context().newPage()
    await other.goto("/admin")
    await other.getByRole("link", { name: "New poll" }).waitFor()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByLabel("Admin token").waitFor()
    await other.getByLabel("Admin token").waitFor()
    await other.reload()
    await other.getByLabel("Admin token").waitFor()
    // The next one starts anew: nothing was left behind.
    const stored = await other.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")
    assert.strictEqual(stored, "[{},{}]")
  })

  test("keeps what is filled in, suggests an address, and says what is wrong beside the field", async (web) => {
    const page = await web.page({ timezoneId: "America/New_York" }, /status of (409|422)|ERR_FAILED/)
    await openDesk(page, web.adminToken)
    await page.getByRole("link", { name: "New poll" }).click()
    const [question, slug] = [page.getByLabel("Question"), page.getByLabel("Name in the address")]
    const options = page.getByLabel("Options, one a line")
    const create = page.getByRole("button", { name: "Create the poll" })
    const wrong = (label: string) => page.locator(".field", { hasText: label }).getByRole("alert")

    await question.fill("Größe")
    assert.strictEqual(await slug.inputValue(), "groesse")
    await question.fill("日本語")
    assert.match(await slug.inputValue(), /^[a-z0-9]{6}$/)
    const byChance = await slug.inputValue()
    await question.fill("何か")
    assert.strictEqual(await slug.inputValue(), byChance)
    await question.fill("Cats or dogs?")
    await comesToSay(slug, "cats-or-dogs-2")

    await options.fill("Only one")
    await page.getByLabel("Closes").fill("2020-01-01T12:00")
    await create.click()
    await wrong("Options, one a line").getByText("Write at least two options").waitFor()
    await wrong("Closes").getByText("This time has passed").waitFor()
    assert.strictEqual(await page.evaluate("document.activeElement.name"), "options")
    await page.getByText("Time in America/New_York").first().waitFor()

    // A click elsewhere, and a reload.
    await page.getByLabel("A score for each option").check()
    await page.getByLabel("Highest score").fill("9")
    await page.getByLabel("Each voter's first").check()
    await page.getByRole("link", { name: "Cats or dogs?" }).click()
    await page.getByRole("heading", { name: "Cats or dogs?" }).waitFor()
    await page.goBack()
    assert.strictEqual(await page.getByLabel("Highest score").inputValue(), "9")
    await page.reload()
    await options.waitFor()
    assert.strictEqual(await question.inputValue(), "Cats or dogs?")
    assert.strictEqual(await options.inputValue(), "Only one")
    assert.strictEqual(await page.getByLabel("Highest score").inputValue(), "9")
    assert.isTrue(await page.getByLabel("Each voter's first").isChecked())
    assert.isTrue(await page.getByLabel("Anyone").isDisabled())

    // What only the service can tell.
    await page.getByLabel("Highest score").fill("-3")
    await options.fill("One\nTwo")
    await page.getByLabel("Closes").fill("")
    await create.click()
    await wrong("Highest score").waitFor()
    await page.getByLabel("One option").check()
    await slug.fill("cats-or-dogs")
    await create.click()
    await wrong("Name in the address").getByText("The name cats-or-dogs is taken").waitFor()
    assert.strictEqual(await slug.inputValue(), "cats-or-dogs-2")
    // The poll is made, and the answer is lost: to create it again makes no other one.
    await loseAnswers(page, "**/api/polls", "POST")
    await create.click()
    await page.getByText("The service could not be reached.").waitFor()
    await page.locator("button:focus", { hasText: "Create the poll" }).waitFor()
    await page.unroute("**/api/polls")
    await create.click()
    await page.getByRole("heading", { name: "Cats or dogs?" }).waitFor()
    assert.deepInclude(await web.ask("/api/polls/cats-or-dogs-2"), { title: "Cats or dogs?", ballot: "once" })
    await page.getByRole("link", { name: "New poll" }).click()
    assert.strictEqual(await question.inputValue(), "")
    await page.getByRole("button", { name: "Throw away" }).press("Enter")
    await page.locator("a:focus", { hasText: "New poll" }).waitFor()
  })

  test("hears of polls made and closed elsewhere", async (web) => {
    const page = await web.page({}, tried)
    await openDesk(page, web.adminToken)
    const slug = await web.poll({ title: "Made elsewhere" })
    const entry = page.getByRole("link", { name: "Made elsewhere" })
    await entry.getByText("Open").waitFor()
    await web.ask(`/api/polls/${slug}/close`, {})
    await entry.getByText("Final").waitFor()
    await entry.getByText("Closed since").waitFor()
  })

  test("shares a poll: its link, its QR code, a mail, and a picture of the results", async (web) => {
    const page = await web.page({ acceptDownloads: true, deviceScaleFactor: 1 }, tried)
    const title = `To be shared & seen by ${"everyone".repeat(12)}`
    const slug = await web.poll({ title })
    // Of what is tied, one percentage is rounded up.
    for (const option of ["apples", "pears", "plums"]) await web.ask(`/api/polls/${slug}/votes`, { option })
    await totalVotes(web, slug, 3)
    await openDesk(page, web.adminToken)
    await page.goto(`/admin#/polls/${slug}`)
    const address = `${web.url}/polls/${slug}`
    assert.strictEqual(await page.getByLabel("Link for voters").inputValue(), address)
    await page.getByRole("button", { name: "Copy the link" }).click()
    await page.getByText("Copied.").waitFor()
    const mail = new URL((await page.getByRole("link", { name: "Write a mail" }).getAttribute("href")) ?? "")
    assert.strictEqual(mail.protocol, "mailto:")
    assert.strictEqual(mail.searchParams.get("subject"), title)
    assert.include(mail.searchParams.get("body"), address)

    const save = async (role: "button" | "link", name: string) => {
      const downloaded = page.waitForEvent("download")
      await page.getByRole(role, { name }).click()
      const file = await downloaded
      return { name: file.suggestedFilename(), content: await readFile(await file.path()) }
    }
    const svg = await save("link", "QR code as SVG")
    assert.strictEqual(svg.name, `${slug}-qr.svg`)
    assert.strictEqual(readQrCode(svg.content.toString()), address)
    const code = await save("button", "QR code as PNG")
    assert.strictEqual(code.name, `${slug}-qr.png`)
    const seen = await lookAt(page, code.content, [370, 370])
    assert.isAbove(seen.width, 1_000)
    assert.strictEqual(jsQr(seen.pixels, 370, 370)?.data, address)
    const picture = await save("button", "Picture of the results")
    assert.strictEqual(picture.name, `${slug}-results.png`)
    const drawn = await lookAt(page, picture.content, [240, 120])
    assert.isAbove(drawn.width, 1_000)
    const columnAt = (x: number) =>
      Array.from({ length: 120 }, (_, y) =>
        drawn.pixels
          .slice(240 * 4 * y + 4 * x)
          .slice(0, 3)
          .join()
      )
    // The bars of all who lead are there, in their colour.
    const bars = columnAt(30).map((colour) => colour === "47,91,215")
    assert.lengthOf(
      bars.filter((isBar, y) => isBar && !bars[y - 1]),
      3
    )
    // A long word is broken, and goes not on past the margin.
    assert.deepStrictEqual(new Set(columnAt(232)), new Set(["255,255,255"]))

    // What is written from right to left is drawn so: the mark that ends the question stands to its left.
    const hebrew = await web.poll({ title: "כן?" })
    await page.goto(`/admin#/polls/${hebrew}`)
    await page.getByRole("heading", { name: "כן?" }).waitFor()
    await page.evaluate(`{
      const { fillText } = CanvasRenderingContext2D.prototype
      globalThis.written = []
      CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
        written.push(text)
        return fillText.call(this, text, ...at)
      }
    }`)
    await save("button", "Picture of the results")
    const written: ReadonlyArray<string> = await page.evaluate("written")
    assert.include(written, "\u2068כן?\u2069")
  })
})
