import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { acceptedEncodings, type Encoding } from "../AcceptedEncodings.ts"
import { etagOf } from "../ETag.ts"

/** The files that the build has named by their content's hash, and where each is: `poll.js` at … */
export interface Assets {
  readonly url: (name: string) => string
  readonly files: ReadonlySet<string>
}

/** Their names change with their content. */
export const assetHeaders = { "cache-control": "public, max-age=31536000, immutable" }

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

/** A file as it is sent. */
export interface PageFile {
  readonly bytes: Uint8Array
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>> & { readonly etag: string }
}

const makeFile = (file: string, encoding: Encoding, bytes: Uint8Array): PageFile => {
  const contentType = types[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream"
  const encoded = encoding === "identity" ? {} : { "content-encoding": encoding }
  return { bytes, contentType, headers: { etag: etagOf(bytes), vary: "Accept-Encoding", ...encoded } }
}

/** Makes the functions that find a file of the folder; what has been read is kept. */
export const makeFiles = (folder: URL) => {
  // Of those that the build has not made, too.
  const files = new Map<string, PageFile | undefined>()

  const load = async (file: string, encoding: Encoding): Promise<PageFile | undefined> => {
    const path = `${file}${suffix[encoding]}`
    if (!files.has(path)) {
      const bytes = await readFile(new URL(path, folder)).catch(() => undefined)
      files.set(path, bytes && makeFile(file, encoding, bytes))
    }
    return files.get(path)
  }

  const read = Effect.fnUntraced(function* (file: string, acceptEncoding: string | undefined) {
    for (const encoding of acceptedEncodings(acceptEncoding)) {
      const found = yield* Effect.promise(() => load(file, encoding))
      if (found !== undefined) return found
    }
    return yield* Effect.die(new Error(`${file} is missing from the build`))
  })

  const known = (file: string, acceptEncoding: string | undefined): PageFile | undefined => {
    for (const encoding of acceptedEncodings(acceptEncoding)) {
      const path = `${file}${suffix[encoding]}`
      const found = files.get(path)
      if (found !== undefined || !files.has(path)) return found
    }
    return undefined
  }

  return { read, known }
}
