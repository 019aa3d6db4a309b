import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { slugPattern } from "../../domain/OptionIds.ts"
import { Malformed, NotFound } from "../../domain/Problems.ts"
import { etagOf, taggedResponse } from "../ETag.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { originOf } from "../Origin.ts"
import { problemResponse } from "../Problem.ts"

/** How large each module is where nobody says how large the picture is to be, in pixels. */
const moduleSize = 10

/** Returns a QR code as SVG, black on white whatever is behind it, with the quiet zone of four modules around it. */
const drawQrCode = async (text: string): Promise<string> => {
  // Loaded with the first code: no start waits for it.
  const { encode } = await import("uqr")
  const { data, size } = encode(text, { ecc: "M", border: 4 })
  const dark = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
  const pixels = size * moduleSize
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${pixels}" height="${pixels}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${dark.join("")}"/></svg>\n`
}

/**
 * Adds the QR code of each poll's address. It is that of the address, whether or not the poll is there: nobody learns of a poll by
 * it, and it can be printed before the poll is.
 */
export const addQrCode = Effect.fnUntraced(function* (router: HttpRouter.HttpRouter) {
  const settings = yield* HttpSettings
  yield* router.add(
    "GET",
    "/polls/:slug/qr.svg",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { slug = "" } = yield* HttpRouter.params
      if (!slugPattern.test(slug)) return problemResponse(new NotFound({ detail: "Nothing is here" }), request.url)
      const origin = originOf(request, settings)
      if (origin === undefined) return problemResponse(new Malformed({ detail: "The Host is no host" }), request.url)
      const svg = yield* Effect.promise(() => drawQrCode(`${origin}/polls/${slug}`))
      // Whoever asks chooses the host: nothing in between may keep it for others.
      const headers = { etag: etagOf(svg), "cache-control": "private, max-age=300" }
      return taggedResponse(svg, "image/svg+xml", headers, request.headers["if-none-match"])
    })
  )
})
