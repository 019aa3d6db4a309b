import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect } from "effect"
import { buildPublic } from "../../script/web.mjs"

/** The public folder as a build makes it, for as long as the scope. */
export const buildPublicFolder = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "tallykeep-pages-"))
      await buildPublic(folder)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  ),
  (folder) => pathToFileURL(`${folder}/`)
)
