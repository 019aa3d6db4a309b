import type { Page } from "playwright-core"

/** The button of an option. */
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

/** Waits until the page says that one's vote is counted. */
export const counted = (page: Page, option: string) => page.getByText(`Your vote for ${option} is counted.`).waitFor()

/** Waits until an option has that count, such as `2 votes`. */
export const votes = (page: Page, option: string, count: string) =>
  page.locator(`#votes-${option}`).getByText(count, { exact: true }).waitFor()

/** The keys of the votes that a page sends. */
export const keysOf = (page: Page): ReadonlyArray<string> => {
  const keys: Array<string> = []
  page.on("request", (request) => {
    if (request.url().endsWith("/votes")) keys.push(request.headers()["idempotency-key"] ?? "")
  })
  return keys
}
