import { Context, Effect, Layer } from "effect"
import { type Assets, makeFiles, type PageFile, readAssets } from "./Assets.ts"
import { makeVotingPages } from "./PageFrames.ts"
import { PublicFolder } from "./PublicFolder.ts"

/** What takes the list of files to make it. */
interface PageMakers {
  readonly assets: Assets
  readonly votingPages: ReturnType<typeof makeVotingPages>
}

/** The files of the build, and the pages that name them. Each is read when it is first asked for: the API needs none of it. */
export class PageFiles extends Context.Service<
  PageFiles,
  {
    readonly makers: Effect.Effect<PageMakers>
    /** Returns them, once a page has been asked for. */
    readonly knownMakers: () => PageMakers | undefined
    /** Reads a file, in the smallest encoding that the client takes and the build has made. */
    readonly read: (file: string, acceptEncoding: string | undefined) => Effect.Effect<PageFile>
    /** Returns what `read` does, once it has been read. */
    readonly known: (file: string, acceptEncoding: string | undefined) => PageFile | undefined
  }
>()("tallykeep/http/pages/PageFiles") {
  static readonly layer = Layer.effect(
    PageFiles,
    Effect.gen(function* () {
      const folder = yield* PublicFolder
      let known: PageMakers | undefined
      const makers = yield* Effect.cached(
        Effect.map(readAssets(folder), (assets) => {
          const made = { assets, votingPages: makeVotingPages(assets) }
          known = made
          return made
        })
      )
      return PageFiles.of({ makers, knownMakers: () => known, ...makeFiles(folder) })
    })
  )
}
