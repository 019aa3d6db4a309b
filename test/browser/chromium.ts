import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium } from "playwright-core"

/** The first has no window at all, and starts a page in a third of the time that the others take without showing theirs. */
const names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
const onMacOs = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

/** The machine's Chromium or Chrome; undefined if it has none. */
export const findChromium = (): string | undefined => {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"].filter((folder) => folder !== "")
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .concat(onMacOs)
    .find((path) => existsSync(path))
}

/** A name of this machine, whose pages are not secure without HTTPS, as those at `localhost` and `127.0.0.1` are. */
export const insecureHost = "tallykeep.test"

/** Starts it without a window and without contacting anyone, with a profile of its own that is deleted at the end. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    headless: true,
    // Its sandbox does not work for root, the user in many containers.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`,
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })
