import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect } from "effect"

/** A public folder in which there is little, of which a build makes one file smaller by gzip alone, and another by none. */
export const fewAssets = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "tallykeep-assets-"))
      await mkdir(join(folder, "assets"))
      const list = { "page.css": "page-1.css", "poll.js": "poll-1.js", "icon.svg": "icon-1.svg" }
      const files = {
        "assets.json": JSON.stringify(list),
        "assets/page-1.css": "main { color: red }",
        "assets/page-1.css.gz": "smaller",
        "assets/poll-1.js": "vote()",
        "assets/poll-1.js.br": "small",
        "assets/poll-1.js.gz": "smaller",
        "assets/icon-1.svg": "<svg/>"
      }
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  ),
  (folder) => pathToFileURL(`${folder}/`)
)
