import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { Context, Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

/** The folder of the files that pages are made of. */
export class PublicFolder extends Context.Service<PublicFolder, URL>()("tallykeep/http/PublicFolder") {}

/** Each path's file in the folder, and its type. No other file can be asked for. */
const files: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/docs": ["docs/index.html", "text/html; charset=utf-8"],
  "/docs/docs.js": ["docs/docs.js", "text/javascript; charset=utf-8"],
  "/docs/swagger-ui.css": ["docs/swagger-ui.css", "text/css; charset=utf-8"],
  "/docs/swagger-ui-bundle.js": ["docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"]
}

export const pagePaths: ReadonlyArray<string> = Object.keys(files)

/** Swagger UI draws its icons from data URLs. */
const docsPolicy = "default-src 'self'; img-src 'self' data:"

/** The pages and their files: read when first asked for, then sent from memory, with a tag to ask again by. */
export const layerPages = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const folder = yield* PublicFolder
    for (const [path, [file, type]] of Object.entries(files)) {
      const load = yield* Effect.promise(() => readFile(new URL(file, folder))).pipe(
        Effect.map((bytes) => ({
          bytes,
          etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`
        })),
        Effect.cached
      )
      yield* router.add(
        "GET",
        path as HttpRouter.PathInput,
        Effect.gen(function* () {
          const { headers: asked } = yield* HttpServerRequest.HttpServerRequest
          const { bytes, etag } = yield* load
          const headers = {
            etag,
            "cache-control": "public, max-age=300",
            ...(path.startsWith("/docs") ? { "content-security-policy": docsPolicy } : {})
          }
          return asked["if-none-match"] === etag
            ? HttpServerResponse.empty({ status: 304, headers })
            : HttpServerResponse.uint8Array(bytes, { contentType: type, headers })
        })
      )
    }
  })
)
