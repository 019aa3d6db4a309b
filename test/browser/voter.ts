import { setTimeout as sleep } from "node:timers/promises"
import type { Page } from "playwright-core"
import type { Web } from "./web.ts"

/** Returns the button of an option. */
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

/** Votes where a vote is final: the page asks first. */
export const voteForGood = async (page: Page, name: string): Promise<void> => {
  await button(page, name).click()
  await button(page, "Send, it is final").click()
}

/** Waits until the page says that the vote is counted. */
export const counted = (page: Page, option: string) => page.getByText(`Your vote for ${option} is counted.`).waitFor()

/** Waits until an option has that count, such as `2 votes`. */
export const votes = (page: Page, option: string, count: string) =>
  page.locator(`#votes-${option}`).getByText(count, { exact: true }).waitFor()

/** Collects the keys of the votes that a page sends. */
export const keysOf = (page: Page): ReadonlyArray<string> => {
  const keys: Array<string> = []
  page.on("request", (request) => {
    if (request.url().endsWith("/votes")) keys.push(request.headers()["idempotency-key"] ?? "")
  })
  return keys
}

/** Returns the poll's votes once all accepted ones are counted and in the results that everyone gets (up to 2 s old). */
export const totalVotes = async (web: Web["Service"], slug: string, atLeast = 1): Promise<unknown> => {
  for (;;) {
    const { pending, total_votes: total } = await web.ask(`/api/polls/${slug}/results`)
    // Either can be a second old.
    if (pending === 0 && Number(total) >= atLeast) return total
    await sleep(50)
  }
}

/** Casts a vote with a body of the API, as a voter of its own. */
export const castJson = async (web: Web["Service"], slug: string, body: unknown): Promise<void> => {
  await web.ask(`/api/polls/${slug}/votes`, body)
}
