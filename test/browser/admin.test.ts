import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import { voteForGood } from "./voter.ts"
import { browserTests } from "./web.ts"

/** The page tries the token with a request that is refused, either for its body or for the token. */
const tried = /status of (401|422)/

browserTests("the admin's page", (test) => {
  test("makes a poll, its voters' links and its CSV, shows it live, and closes it", async (web) => {
    const page = await web.page({ acceptDownloads: true }, tried)
    await page.goto("/admin")
    await page.getByLabel("Admin token").fill("not-the-admin-token")
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByText("This is not the admin token.").waitFor()
    await page.getByLabel("Admin token").fill(web.adminToken)
    await page.getByRole("button", { name: "Sign in" }).click()

    await page.getByRole("button", { name: "New poll" }).click()
    await page.getByLabel("Question").fill("Was für ein Käse?")
    await page.getByLabel("Options, one a line").fill("Emmentaler\n\nÉpoisses\nOption 4\n何か\n")
    await page.getByLabel("Each voter's first").check()
    assert.isTrue(await page.getByLabel("Anyone").isDisabled())
    await page.getByLabel("Holders of a voter link").check()
    await page.getByLabel("a small task for the browser").check()
    await page.getByRole("button", { name: "Create the poll" }).click()
    await page.getByRole("heading", { name: "Was für ein Käse?" }).waitFor()
    const poll = await web.ask("/api/polls/was-fur-ein-kase")
    assert.deepInclude(poll, { ballot: "once", identity: "token", results: "live", challenge: "pow", status: "open" })
    assert.deepStrictEqual(poll.options, [
      { id: "emmentaler", label: "Emmentaler" },
      { id: "epoisses", label: "Époisses" },
      { id: "option-4", label: "Option 4" },
      { id: "option-5", label: "何か" }
    ])

    await page.getByLabel("How many").fill("2")
    await page.getByRole("button", { name: "Make voter links" }).click()
    const made = page.getByLabel("One link for each voter")
    await made.waitFor()
    const links = (await made.inputValue()).split("\n")
    assert.strictEqual(links.length, 2)
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
    assert.deepInclude(await web.ask("/api/polls/was-fur-ein-kase"), { status: "final" })
  })

  test("lists the polls of all pages", async (web) => {
    const page = await web.page({}, tried)
    await page.route(/\/api\/polls\?/, async (route) => {
      const { searchParams } = new URL(route.request().url())
      const response = await route.fetch()
      const { polls } = await response.json()
      const cursor = searchParams.get("cursor")
      const title = cursor === null ? "On the first page" : "On the second page"
      const shown = [{ ...polls[0], title }]
      const next = cursor === null ? { next: Buffer.from(polls[0].slug).toString("base64url") } : {}
      await route.fulfill({ response, json: { polls: shown, ...next } })
    })
    await page.goto("/admin")
    await page.getByLabel("Admin token").fill(web.adminToken)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("button", { name: "On the first page" }).waitFor()
    await page.getByRole("button", { name: "On the second page" }).waitFor()
  })

  test("says what is wrong with a poll", async (web) => {
    const page = await web.page({}, /status of (409|422)/)
    await page.goto("/admin")
    await page.getByLabel("Admin token").fill(web.adminToken)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("button", { name: "New poll" }).click()
    await page.getByLabel("Question").fill("Cats or dogs?")
    await page.getByLabel("Options, one a line").fill("Only one")
    await page.getByRole("button", { name: "Create the poll" }).click()
    // Beside the field, and nothing of the fields of another kind.
    await page.locator(".field", { hasText: "Options, one a line" }).getByRole("alert").waitFor()
    assert.isTrue(await page.getByLabel("Points to give out").isHidden())
    await page.getByLabel("Several options").check()
    await page.getByLabel("Options at least").fill("3")
    await page.getByLabel("Options at most").fill("2")
    await page.getByLabel("Options, one a line").fill("One\nTwo\nThree")
    await page.getByRole("button", { name: "Create the poll" }).click()
    await page.locator(".field", { hasText: "Options at least" }).getByRole("alert").waitFor()
    await page.getByLabel("One option").check()
    await page.getByLabel("Options, one a line").fill("One\nTwo")
    await page.getByRole("button", { name: "Create the poll" }).click()
    await page.getByRole("alert").filter({ hasText: "There is a poll cats-or-dogs already" }).waitFor()
  })
})
