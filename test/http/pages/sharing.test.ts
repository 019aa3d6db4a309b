import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { layerApi, request } from "../../support/api.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { readQrCode } from "../../support/qrCode.ts"
import { freshWorld } from "../../support/world.ts"

const layerSharing = withPublicFolder((folder) => layerApi({ trustProxy: 1 }, folder))

/** What the head of a page says of itself, by name. */
const toldBy = (body: string) =>
  Object.fromEntries(
    [...body.matchAll(/<meta (?:property|name)="([^"]+)" content="([^"]*)">/g)].map(([, name, text]) => [name, text])
  )

const from = (host: string, headers = {}) => ({ headers: { host, ...headers } })

layer(layerSharing, { excludeTestServices: true })("a poll's link", (it) => {
  it.effect("has a title, a description and a picture at absolute addresses", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const { body } = yield* request("GET", "/", from("vote.example", { "x-forwarded-proto": "https" }))
      const told = toldBy(body)
      assert.deepInclude(told, {
        "og:title": "Cats or dogs?",
        "og:description": "Cast your vote: Cats, Dogs.",
        description: "Cast your vote: Cats, Dogs.",
        "og:url": "https://vote.example/polls/cats-or-dogs",
        "og:image:width": "1200"
      })
      assert.match(told["og:image"] ?? "", /^https:\/\/vote\.example\/assets\/share-[A-Z0-9]{8}\.png$/)
      const picture = yield* request("GET", new URL(told["og:image"] ?? "").pathname)
      assert.strictEqual(picture.headers["content-type"], "image/png")
    })
  )

  it.effect("tells what the organiser says of the poll, shortened and escaped", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const description = `"Tom" & <b>Jerry</b>\n${"and so on ".repeat(40)}`
      world.polls = [{ ...defaultPoll, slug: "shown", title: 'Who is "it"?', description }]
      const told = toldBy((yield* request("GET", "/polls/shown", from("vote.example"))).body)
      assert.strictEqual(told["og:title"], "Who is &quot;it&quot;?")
      assert.match(told["og:description"] ?? "", /^&quot;Tom&quot; &amp; &lt;b&gt;Jerry&lt;\/b&gt; and so on .*…$/)
      assert.strictEqual(told["og:url"], "http://vote.example/polls/shown")
    })
  )

  it.effect("names no address where the request does not say one", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const host = "vote.example/elsewhere?"
      const { body } = yield* request("GET", "/", from(host))
      assert.notInclude(body, "elsewhere")
      assert.isUndefined(toldBy(body)["og:url"])
      assert.strictEqual((yield* request("GET", "/polls/cats-or-dogs/qr.svg", from(host))).status, 400)
    })
  )

  it.effect.each([
    ["vote.example", {}, "http://vote.example/polls/autumn"],
    ["Vote.Example:8443", { "x-forwarded-proto": "https" }, "https://vote.example:8443/polls/autumn"],
    ["[::1]:8000", {}, "http://[::1]:8000/polls/autumn"]
  ] as const)("at %s is in a QR code, of a poll yet to come too", ([host, headers, address]) =>
    Effect.gen(function* () {
      yield* freshWorld
      const { body, headers: got, status } = yield* request("GET", "/polls/autumn/qr.svg", from(host, headers))
      assert.strictEqual(status, 200)
      assert.deepInclude(got, { "content-type": "image/svg+xml", "cache-control": "private, max-age=300" })
      assert.strictEqual(readQrCode(body), address)
      const again = yield* request("GET", "/polls/autumn/qr.svg", from(host, { ...headers, "if-none-match": got.etag }))
      assert.strictEqual(again.status, 304)
    })
  )

  it.effect("has no QR code where no poll could have it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* request("GET", "/polls/Not%20a%20poll/qr.svg")).status, 404)
      assert.strictEqual((yield* request("DELETE", "/polls/autumn/qr.svg")).headers.allow, "GET, HEAD, OPTIONS")
    })
  )

  it.effect("can be put among a phone's apps, with a picture", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const { body } = yield* request("GET", "/")
      const link = /rel="manifest" href="([^"]+)"/.exec(body)?.[1] ?? ""
      const manifest = yield* request("GET", link)
      assert.strictEqual(manifest.headers["content-type"], "application/manifest+json")
      const { icons }: { icons: ReadonlyArray<{ src: string; type: string }> } = JSON.parse(manifest.body)
      assert.isAtLeast(icons.length, 3)
      for (const { src, type } of icons) {
        const icon = yield* request("GET", `/assets/${src}`)
        assert.strictEqual(icon.headers["content-type"], type)
      }
    })
  )
})
