import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect } from "effect"
import { buildPublic } from "../../script/web.mjs"

/** Makes the public folder as a build does, removed with the scope. */
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
