import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { layerApi, request } from "../../support/api.ts"
import { rawBody } from "../../support/bytes.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { freshWorld } from "../../support/world.ts"

const layerPageRoutes = withPublicFolder((folder) => layerApi({}, folder))

/** What a page loads or links to. */
const linksOf = (body: string) => [...body.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, link]) => link ?? "")

layer(layerPageRoutes, { excludeTestServices: true })("the pages", (it) => {
  it.effect.each([
    ["/docs", "text/html; charset=utf-8", '<script src="/docs/docs.js">'],
    ["/docs/docs.js", "text/javascript; charset=utf-8", "/openapi.json"],
    ["/docs/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"],
    ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"],
    ["/admin", "text/html; charset=utf-8", 'id="admin"']
  ] as const)("GET %s gives %s, and 304 to who has it", ([path, type, text]) =>
    Effect.gen(function* () {
      const { body, headers, status } = yield* request("GET", path)
      assert.strictEqual(status, 200)
      assert.include(body, text)
      assert.deepInclude(headers, { "content-type": type, "content-length": String(Buffer.byteLength(body)) })
      assert.match(headers["cache-control"] ?? "", /^(public, max-age=300|no-cache)$/)
      const { etag = "" } = headers
      // What compresses on the way makes a weak tag of it.
      for (const known of [etag, `W/${etag}`, `"another", W/${etag}`, "*"]) {
        const again = yield* request("GET", path, { headers: { "if-none-match": known } })
        assert.strictEqual(again.status, 304, known)
        assert.strictEqual(again.body, "")
        assert.strictEqual(again.headers.etag, etag)
        assert.strictEqual(again.headers["content-security-policy"], headers["content-security-policy"])
      }
      const other = yield* request("GET", path, { headers: { "if-none-match": 'W/"another"' } })
      assert.strictEqual(other.status, 200)
    })
  )

  it.effect.each(["/", "/admin", "/docs", "/polls/cats-or-dogs"])("%s keeps to a strict policy", (path) =>
    Effect.gen(function* () {
      const { body, headers } = yield* request("GET", path)
      const policy = headers["content-security-policy"] ?? ""
      assert.deepInclude(headers, { "x-frame-options": "DENY", "x-content-type-options": "nosniff" })
      assert.match(policy, /^default-src 'self'(;|$)/)
      assert.notMatch(policy, /unsafe-|\*|https?:/)
      const directives = policy.split("; ")
      // `default-src` says nothing of these, or less than can be said.
      for (const directive of [
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'"
      ]) {
        assert.include(directives, directive)
      }
      assert.notMatch(body, /<script(?![^>]*\ssrc="\/)|<style|\sstyle=|\son\w+=|(src|href)="(https?:)?\/\//)
    })
  )

  it.effect.each(["/", "/admin"])("each link of %s leads somewhere, and assets may be kept for ever", (path) =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", path)
      const links = linksOf(body)
      assert.isAbove(links.length, 3)
      for (const link of links) {
        const { headers, status } = yield* request("GET", link)
        assert.strictEqual(status, 200, link)
        if (!link.startsWith("/assets/")) continue
        assert.match(link, /-[A-Z0-9]{8}\.\w+$/)
        assert.strictEqual(headers["cache-control"], "public, max-age=31536000, immutable")
      }
    })
  )

  it.effect.each(["/", "/admin", "/polls/cats-or-dogs"])("HEAD %s gives the headers of GET", (path) =>
    Effect.gen(function* () {
      const got = yield* request("GET", path)
      const { body, headers, status } = yield* request("HEAD", path)
      assert.strictEqual(status, 200)
      assert.strictEqual(body, "")
      assert.deepStrictEqual({ ...headers, date: "" }, { ...got.headers, date: "" })
    })
  )

  it.effect.each([
    ["br, gzip", "br", brotliDecompressSync],
    ["gzip, br;q=0", "gzip", gunzipSync],
    ["deflate", undefined, (bytes: Buffer) => bytes]
  ] as const)("to who takes %s, an asset comes as %s", ([taken, encoding, decompress]) =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/")
      const script = linksOf(body).find((link) => link.endsWith(".js")) ?? ""
      const plain = yield* request("GET", script)
      const { bytes, headers } = yield* rawBody(script, { "accept-encoding": taken })
      assert.strictEqual(headers["content-encoding"], encoding)
      assert.match(headers.vary ?? "", /Accept-Encoding/)
      assert.strictEqual(headers["content-type"], "text/javascript; charset=utf-8")
      assert.strictEqual(decompress(bytes).toString(), plain.body)
      if (encoding !== undefined) assert.notStrictEqual(headers.etag, plain.headers.etag)
    })
  )

  it.effect("the voting page and all it needs are under 60 KB", () =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/")
      let total = Buffer.byteLength(body)
      for (const link of new Set(linksOf(body).filter((path) => path.startsWith("/assets/")))) {
        total += (yield* rawBody(link, { "accept-encoding": "gzip" })).bytes.length
      }
      assert.isBelow(total, 60_000)
    })
  )

  it.effect.each(["/assets/nothing.js", "/assets/..%2fassets.json", "/assets/%2e%2e%2fassets.json"])(
    "%s is not there",
    (path) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* request("GET", path)).status, 404)
      })
  )

  it.effect("a poll that does not exist has a page that says so", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const { body, headers, status } = yield* request("GET", "/polls/none")
      assert.strictEqual(status, 404)
      assert.strictEqual(headers["content-type"], "text/html; charset=utf-8")
      assert.include(body, "There is no such poll")
    })
  )
})
