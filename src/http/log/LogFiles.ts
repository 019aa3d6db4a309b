import { gunzipSync, gzipSync } from "node:zlib"
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { bundleSlice, bundleWidth, parseTilePath, type TileName, tileWidth } from "../../domain/log/Tile.ts"
import { hashLength } from "../../domain/log/Tree.ts"
import { NotFound } from "../../domain/Problems.ts"
import type { LogName, LogStore, StoredTile } from "../../ledger/LogStore.ts"
import { acceptedEncodings } from "../AcceptedEncodings.ts"
import { etagOf, taggedResponse } from "../ETag.ts"

type Request = HttpServerRequest.HttpServerRequest

/** A log is for pages of all origins. */
export const forAll = { "access-control-allow-origin": "*" }

const plain = "text/plain; charset=utf-8"

const nowhere = new NotFound({ detail: "There is no such log, or not that much of it" })

/** Returns which log a path after a poll's `/log/` is of, and what is asked of it. */
const parseLogPath = (poll: string, path: string): { readonly log: LogName; readonly file: string } => {
  const [, number = "1", file = ""] = /^(?:([2-9]|[1-9]\d{1,5})\/)?(.*)$/.exec(path) ?? []
  return { log: { poll, number: Number(number) }, file }
}

/** Cuts a tile or bundle to the width that is asked for; undefined where it is not that wide. */
const cut = ({ bytes, gzipped }: StoredTile, { level, width }: TileName): StoredTile | undefined => {
  // Only full bundles are.
  if (gzipped && width === tileWidth) return { bytes, gzipped }
  const whole = gzipped ? gunzipSync(bytes) : bytes
  const there = level === "entries" ? bundleWidth(whole) : whole.length / hashLength
  if (there < width) return undefined
  const slice = level === "entries" ? bundleSlice(whole, width) : whole.subarray(0, width * hashLength)
  return { bytes: slice, gzipped: false }
}

/** Sends what never changes; leaves compressed, where the client takes that. */
const sendTile = ({ bytes, gzipped }: StoredTile, { level }: TileName, request: Request) => {
  const headers = { ...forAll, "cache-control": "public, max-age=31536000, immutable" }
  const send = (body: Uint8Array, more: Readonly<Record<string, string>> = {}) =>
    HttpServerResponse.uint8Array(body, {
      contentType: "application/octet-stream",
      headers: { ...headers, ...more }
    })
  if (level !== "entries") return send(bytes)
  return acceptedEncodings(request.headers["accept-encoding"]).includes("gzip")
    ? send(gzipped ? bytes : gzipSync(bytes), { vary: "Accept-Encoding", "content-encoding": "gzip" })
    : send(gzipped ? gunzipSync(bytes) : bytes, { vary: "Accept-Encoding" })
}

/** Answers with a file of a log, by its path after the poll's `/log/`. */
export const makeLogFiles = (store: LogStore["Service"]) =>
  Effect.fnUntraced(function* (poll: string, path: string, request: Request) {
    const { file, log } = parseLogPath(poll, path)
    const sendText = (body: string) => {
      const headers = { ...forAll, etag: etagOf(body), "cache-control": "no-cache" }
      return taggedResponse(body, plain, headers, request.headers["if-none-match"])
    }
    if (file === "checkpoint") {
      const checkpoint = yield* store.checkpoint(log)
      return checkpoint === undefined ? yield* nowhere : sendText(checkpoint)
    }
    if (file === "key") {
      const vkeys = yield* store.vkeys(log)
      return vkeys.length === 0 ? yield* nowhere : sendText(`${vkeys.join("\n")}\n`)
    }
    const name = parseTilePath(file)
    const stored = name === undefined ? undefined : yield* store.tile(log, name.level, name.index)
    const tile = name === undefined || stored === undefined ? undefined : cut(stored, name)
    return name === undefined || tile === undefined ? yield* nowhere : sendTile(tile, name, request)
  })
