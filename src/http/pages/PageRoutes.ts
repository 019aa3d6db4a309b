import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { NotFound } from "../../domain/Problems.ts"
import { etagOf, taggedResponse } from "../ETag.ts"
import { problemResponse } from "../Problem.ts"
import { adminPage } from "./AdminPage.ts"
import { assetHeaders } from "./Assets.ts"
import { pageType } from "./DrawPage.ts"
import { pagePolicy } from "./Layout.ts"
import { PageFiles } from "./PageFiles.ts"
import { addPollPages } from "./PollPageRoutes.ts"
import { addQrCode } from "./QrCode.ts"

/** The documentation's files, by path. Besides these and the assets, no file of the folder can be asked for. */
const docs: Readonly<Record<string, string>> = {
  "/docs": "docs/index.html",
  "/docs/docs.js": "docs/docs.js",
  "/docs/swagger-ui.css": "docs/swagger-ui.css",
  "/docs/swagger-ui-bundle.js": "docs/swagger-ui-bundle.js"
}

/** The methods of each path. */
export const pageMethods: ReadonlyArray<readonly [path: string, methods: ReadonlyArray<string>]> = [
  ...["/", "/admin", "/assets/:file", ...Object.keys(docs)].map((path) => [path, ["GET"]] as const),
  ["/polls/:slug", ["GET", "POST"]],
  ["/polls/:slug/qr.svg", ["GET"]],
  ["/polls/:slug/verify", ["GET"]]
]

const docsHeaders = {
  "cache-control": "public, max-age=300",
  // Swagger UI draws its icons from data URLs.
  "content-security-policy": `${pagePolicy}; img-src 'self' data:`
}

/** The pages and their files. */
export const layerPageRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const { makers, read } = yield* PageFiles
    const send = Effect.fnUntraced(function* (file: string, more: { readonly "cache-control": string }) {
      const { headers: asked } = yield* HttpServerRequest.HttpServerRequest
      const { bytes, contentType, headers } = yield* read(file, asked["accept-encoding"])
      return taggedResponse(bytes, contentType, { ...more, ...headers }, asked["if-none-match"])
    })
    for (const [path, file] of Object.entries(docs)) {
      yield* router.add("GET", path as HttpRouter.PathInput, send(file, docsHeaders))
    }
    yield* router.add(
      "GET",
      "/assets/:file",
      Effect.gen(function* () {
        const { file = "" } = yield* HttpRouter.params
        if ((yield* makers).assets.files.has(file)) return yield* send(`assets/${file}`, assetHeaders)
        const { url } = yield* HttpServerRequest.HttpServerRequest
        return problemResponse(new NotFound({ detail: "Nothing is here" }), url)
      })
    )
    yield* router.add(
      "GET",
      "/admin",
      Effect.gen(function* () {
        const { headers: asked } = yield* HttpServerRequest.HttpServerRequest
        const body = adminPage((yield* makers).assets)
        const headers = { etag: etagOf(body), "cache-control": "no-cache", "content-security-policy": pagePolicy }
        return taggedResponse(body, pageType, headers, asked["if-none-match"])
      })
    )
    yield* addPollPages(router)
    yield* addQrCode(router)
  })
)
