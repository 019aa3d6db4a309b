import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect, Layer } from "effect"
import { buildPublic } from "../../script/web.mjs"

/** Makes the public folder as a build does, removed with the scope. */
const buildPublicFolder = Effect.map(
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

/** Makes a layer over such a folder. */
export const withPublicFolder = <A, E, R>(make: (folder: URL) => Layer.Layer<A, E, R>) =>
  Layer.unwrap(Effect.map(buildPublicFolder, make))
