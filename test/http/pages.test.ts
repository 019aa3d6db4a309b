import { cp, mkdtemp, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerApi, publicFolder, request } from "../support/api.ts"

/** The public folder as a build makes it: with the documentation's assets. */
const builtFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "tallykeep-pages-"))
    const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"))
    await cp(fileURLToPath(publicFolder), folder, { recursive: true })
    for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
      await cp(join(swagger, file), join(folder, "docs", file))
    }
    return folder
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const layerPages = Layer.unwrap(Effect.map(builtFolder, (folder) => layerApi({}, pathToFileURL(`${folder}/`))))

layer(layerPages, { excludeTestServices: true })("the pages", (it) => {
  it.effect.each([
    ["/", "text/html; charset=utf-8", "<h1>tallykeep</h1>"],
    ["/page.css", "text/css; charset=utf-8", "color-scheme"],
    ["/docs", "text/html; charset=utf-8", '<script src="/docs/docs.js">'],
    ["/docs/docs.js", "text/javascript; charset=utf-8", "/openapi.json"],
    ["/docs/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"],
    ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"]
  ] as const)("GET %s gives %s", ([path, type, text]) =>
    Effect.gen(function* () {
      const { body, headers, status } = yield* request("GET", path)
      assert.strictEqual(status, 200)
      assert.include(body, text)
      assert.deepInclude(headers, {
        "content-type": type,
        "content-length": String(Buffer.byteLength(body)),
        "cache-control": "public, max-age=300"
      })
      const policy = headers["content-security-policy"] ?? ""
      assert.match(policy, /^default-src 'self'(;|$)/)
      assert.notMatch(policy, /unsafe-|\*|https?:/)

      const again = yield* request("GET", path, { headers: { "if-none-match": String(headers.etag) } })
      assert.strictEqual(again.status, 304)
      assert.strictEqual(again.body, "")
      assert.strictEqual(again.headers.etag, headers.etag)
      assert.strictEqual(again.headers["content-security-policy"], policy)
    })
  )

  it.effect.each(["/", "/docs"])("%s needs nothing that its policy forbids", (path) =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", path)
      assert.notMatch(body, /<script(?![^>]*\ssrc="\/)|<style|\sstyle=|\son\w+=|(src|href)="(https?:)?\/\//)
    })
  )

  it.effect("each link of the front page leads somewhere", () =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/")
      const links = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "")
      assert.isAbove(links.length, 3)
      for (const link of links) assert.strictEqual((yield* request("GET", link)).status, 200, link)
    })
  )
})
