// Draws the PNGs in src/web/pictures from the SVGs beside them: node test/browser/pictures.ts
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { findChromium, launchChromium } from "./chromium.ts"

const folder = fileURLToPath(new URL("../../src/web/pictures", import.meta.url))
const pictures = [
  { from: "icon.svg", to: "icon-180.png", width: 180, height: 180 },
  { from: "icon.svg", to: "icon-512.png", width: 512, height: 512 },
  { from: "share.svg", to: "share.png", width: 1200, height: 630 }
]

const executable = findChromium()
if (executable === undefined) throw new Error("There is no Chromium here to draw with")
const browser = await launchChromium(executable)
try {
  for (const { from, height, to, width } of pictures) {
    const page = await browser.newPage({ viewport: { width, height } })
    const svg = await readFile(join(folder, from), "utf8")
    // Phones cut corners of their own: an icon's must not show through.
    const back = from === "icon.svg" ? "#2f5bd7" : "none"
    await page.setContent(
      `<style>html{background:${back}}body{margin:0}svg{display:block;width:${width}px;height:${height}px}</style>${svg}`
    )
    await page.screenshot({ path: join(folder, to) })
    await page.close()
  }
} finally {
  await browser.close()
}
