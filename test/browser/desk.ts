import type { Page } from "playwright-core"

/** Opens the desk, and signs in. */
export const openDesk = async (page: Page, adminToken: string): Promise<void> => {
  await page.goto("/admin")
  await page.getByLabel("Admin token").fill(adminToken)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("link", { name: "New poll" }).waitFor()
}
