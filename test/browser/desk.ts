import type { Page } from "playwright-core"

/** Has requests arrive, and their answers get lost. */
export const loseAnswers = (page: Page, path: string, method: string): Promise<unknown> =>
  page.route(path, async (route) => {
    if (route.request().method() !== method) return route.continue()
    await route.fetch()
    await route.abort()
  })

/** Opens the desk, and signs in. */
export const openDesk = async (page: Page, adminToken: string): Promise<void> => {
  await page.goto("/admin")
  await page.getByLabel("Admin token").fill(adminToken)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("link", { name: "New poll" }).waitFor()
}
