// Takes pictures of the pages: script/screenshots [folder]
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { Browser, Page } from "playwright-core"
import { findChromium, launchChromium } from "./chromium.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const [folder] = process.argv.slice(2)
const adminToken = "the-token-of-the-pictures"
const dataDir = mkdtempSync(join(tmpdir(), "tallykeep-screenshots-"))

/** Starts the built program with servers of its own; returns its address and a function that ends it. */
const startProgram = async () => {
  const child = spawn(process.execPath, [join(root, "dist/main.js"), "--role=all"], {
    env: { PATH: process.env.PATH, PORT: "0", DATA_DIR: dataDir, ADMIN_TOKEN: adminToken, RATE_LIMIT: "off" },
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    let said = ""
    child.stdout.on("data", (chunk) => {
      said += chunk
      const [, found] = /Listening on (http:\/\/\S+)/.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once("exit", () => reject(new Error(`The program has ended:\n${said}`)))
  })
  const stop = async () => {
    child.kill("SIGTERM")
    await ended
  }
  return { url, stop }
}

const post = async (url: string, body: unknown) => {
  const headers = { "content-type": "application/json", authorization: `Bearer ${adminToken}` }
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} was answered with ${await response.text()}`)
}

const lunch = {
  slug: "friday-lunch",
  title: "What's for lunch on Friday?",
  description: "For all who are in the office that day.",
  options: ["Pizza", "Dumplings", "Falafel"].map((label) => ({ id: label.toLowerCase(), label })),
  ballot: "changeable",
  identity: "browser",
  results: "live",
  closes_at: new Date(Date.now() + 26 * 3_600_000).toISOString()
}

/** Sends so many votes, about 20 a second. */
const castVotes = async (url: string, votes: number) => {
  const wave = (index: number) => 25 + 20 * Math.sin(index / 60) + 15 * Math.random()
  for (let index = 0; index < votes; index++) {
    await post(`${url}/api/polls/cats-or-dogs/votes`, { option: index % 7 < 4 ? "cats" : "dogs" })
    await sleep(wave(index))
  }
}

const save = (page: Page, name: string, fullPage = true) =>
  page.screenshot({ path: join(folder ?? join(root, "docs"), `${name}.png`), fullPage })

const votingPage = async (
  browser: Browser,
  url: string,
  colorScheme: "light" | "dark",
  width: number,
  scale: number
) => {
  const context = await browser.newContext({ viewport: { width, height: 640 }, colorScheme, deviceScaleFactor: scale })
  const page = await context.newPage()
  await page.goto(`${url}/polls/friday-lunch`)
  await page.getByRole("button", { name: "Dumplings", exact: true }).click()
  await page.getByText("is counted.").waitFor()
  await sleep(1_500)
  return page
}

const adminPage = async (browser: Browser, url: string, colorScheme: "light" | "dark") => {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, colorScheme })
  const page = await context.newPage()
  await page.goto(`${url}/admin`)
  await page.getByLabel("Admin token").fill(adminToken)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("link", { name: "Cats or dogs?" }).click()
  return page
}

const executable = findChromium()
if (executable === undefined) throw new Error("There is no Chromium here to take the pictures with")
mkdirSync(folder ?? join(root, "docs"), { recursive: true })
const program = await startProgram()
const browser = await launchChromium(executable)
try {
  const { url } = program
  await post(`${url}/api/polls`, lunch)
  // Each vote comes without a cookie, so each is another voter's.
  for (const [id, votes] of Object.entries({ pizza: 9, dumplings: 12, falafel: 6 })) {
    for (let vote = 0; vote < votes; vote++) await post(`${url}/api/polls/friday-lunch/votes`, { option: id })
  }
  await save(await votingPage(browser, url, "light", 400, 2), "voting-page")
  const admin = await adminPage(browser, url, "light")
  await castVotes(url, 1_200)
  await save(admin, "admin-page")
  if (folder !== undefined) {
    for (const scheme of ["light", "dark"] as const) {
      await save(await votingPage(browser, url, scheme, 320, 1), `voting-320-${scheme}`)
      const page = await adminPage(browser, url, scheme)
      await castVotes(url, 200)
      await save(page, `admin-${scheme}`)
      await page.setViewportSize({ width: 320, height: 640 })
      await sleep(500)
      await save(page, `admin-320-${scheme}`)
      await page.getByRole("link", { name: "New poll" }).click()
      await save(page, `admin-form-320-${scheme}`)
    }
  }
} finally {
  await browser.close()
  await program.stop()
  rmSync(dataDir, { recursive: true, force: true })
}
