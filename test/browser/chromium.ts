import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
const onMacOs = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

/** A Chromium or Chrome of this machine; undefined where it has none. */
export const findChromium = (): string | undefined =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"]
    .filter((folder) => folder !== "")
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .concat(onMacOs)
    .find((path) => existsSync(path))

/** Starts it without a window and without a word to anyone, in a profile of its own that goes with it. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    headless: true,
    // Its sandbox does not work for root, as whom one is in many containers.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })
