import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Returns what axe says about the page in its present state. */
export const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe)
  return page.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))"
  )
}

/** The smallest phone that the pages are made for. */
export const smallest = { viewport: { width: 320, height: 640 } }

export const assertNoSidewaysScroll = async (page: Page): Promise<void> =>
  assert.isAtMost(Number(await page.evaluate("document.documentElement.scrollWidth")), 320)
