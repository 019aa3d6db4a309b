import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { acceptedEncodings, type Encoding } from "../AcceptedEncodings.ts"
import { etagOf, taggedResponse } from "../ETag.ts"

/** The files that the build has named by their content's hash, and where each is: `poll.js` at … */
export interface Assets {
  readonly url: (name: string) => string
  readonly files: ReadonlySet<string>
}

/** Reads the list that the build has written. */
export const readAssets = (folder: URL): Effect.Effect<Assets> =>
  Effect.promise(async () => {
    const manifest: Readonly<Record<string, string>> = JSON.parse(
      await readFile(new URL("assets.json", folder), "utf8")
    )
    return { url: (name) => `/assets/${manifest[name] ?? name}`, files: new Set(Object.values(manifest)) }
  })

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  webmanifest: "application/manifest+json"
}

const suffix: Readonly<Record<Encoding, string>> = { br: ".br", gzip: ".gz", identity: "" }

/**
 * Makes what sends a file of the folder, in the smallest encoding that the client takes and the build has made. A file is read
 * when it is first asked for and then kept in memory, with an entity tag.
 */
export const makeFiles = (folder: URL) => {
  const cache = new Map<string, Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined>>()
  const load = (file: string) => {
    const loading =
      cache.get(file) ??
      readFile(new URL(file, folder)).then(
        (bytes) => ({ bytes, etag: etagOf(bytes) }),
        () => undefined
      )
    cache.set(file, loading)
    return loading
  }
  return Effect.fnUntraced(function* (file: string, headers: { readonly "cache-control": string }) {
    const { headers: asked } = yield* HttpServerRequest.HttpServerRequest
    for (const encoding of acceptedEncodings(asked["accept-encoding"])) {
      const found = yield* Effect.promise(() => load(`${file}${suffix[encoding]}`))
      if (found === undefined) continue
      const { bytes, etag } = found
      const sent = {
        ...headers,
        etag,
        vary: "Accept-Encoding",
        ...(encoding === "identity" ? {} : { "content-encoding": encoding })
      }
      const type = types[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream"
      return taggedResponse(bytes, type, sent, asked["if-none-match"])
    }
    return yield* Effect.die(new Error(`${file} is missing from the build`))
  })
}
