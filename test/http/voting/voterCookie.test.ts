import { assert, describe, it } from "@effect/vitest"
import { Headers } from "effect/http"
import { makeVoterCookie } from "../../../src/http/voting/VoterCookie.ts"

const requestWith = (headers: Readonly<Record<string, string>>) => ({ headers: Headers.fromInput(headers) })

/** Signs an id by its length. */
const cookieWith = (settings: { readonly production?: boolean; readonly trustProxy?: number }) =>
  makeVoterCookie({ production: false, trustProxy: 0, ...settings }, [(id) => `signed-${id.length}`])

describe("the voter's cookie", () => {
  it.each([
    ["plain", {}, undefined],
    ["plain", {}, "https"],
    ["plain", { trustProxy: 1 }, undefined],
    ["plain", { trustProxy: 1 }, "http"],
    ["plain", { trustProxy: 1 }, "https, http"],
    ["plain", { trustProxy: 2 }, "http, https"],
    ["__Host-", { trustProxy: 1 }, "https"],
    ["__Host-", { trustProxy: 1 }, "http, https"],
    ["__Host-", { trustProxy: 2 }, "http, https, http"],
    ["__Host-", { trustProxy: 2 }, "https"],
    ["__Host-", { production: true }, undefined],
    ["__Host-", { production: true, trustProxy: 1 }, "http"]
  ] as const)("is %s with %j and X-Forwarded-Proto: %s", (kind, settings, forwarded) => {
    const request = requestWith(forwarded === undefined ? {} : { "x-forwarded-proto": forwarded })
    const written = cookieWith(settings).write(request, "ann")
    const start = kind === "plain" ? "tallykeep_voter=" : "__Host-tallykeep_voter="
    assert.isTrue(written.startsWith(`${start}ann.signed-3; Path=/; `), written)
    assert.strictEqual(written.endsWith("; Secure"), kind === "__Host-")
    assert.notInclude(written, "Domain")
  })

  it.each([
    ["", undefined, 0],
    ["other=1", undefined, 0],
    ["tallykeep_voter=ann.signed-3", "ann", 0],
    ["a=b;tallykeep_voter=ann.signed-3;c=d", "ann", 0],
    ["tallykeep_voter=ann.signed-4", undefined, 1],
    ["tallykeep_voter=ann.", undefined, 1],
    ["tallykeep_voter=.signed-0", undefined, 1],
    ["xtallykeep_voter=ann.signed-3", undefined, 0],
    ["Tallykeep_voter=ann.signed-3", undefined, 0],
    ["__Host-tallykeep_voter=ann.signed-3", undefined, 0],
    ["tallykeep_voter=eve.forged-3; tallykeep_voter=ann.signed-3", "ann", 1],
    ["tallykeep_voter=eve.forged-3; tallykeep_voter=eve.forged-3", undefined, 1],
    ["tallykeep_voter=ann.signed-3; tallykeep_voter=eve.forged-3", "ann", 1],
    // A browser sends those of longer paths first, and ours is of the shortest.
    ["tallykeep_voter=eve.signed-3; tallykeep_voter=ann.signed-3", "ann", 0]
  ] as const)("of a request with %s is %s, and refused %i times", (cookie, id, times) => {
    let refused = 0
    assert.strictEqual(
      cookieWith({}).read(requestWith({ cookie }), () => refused++),
      id
    )
    assert.strictEqual(refused, times)
  })

  it("by HTTPS is only what no other host can set", () => {
    const { read } = cookieWith({ production: true })
    const none = () => assert.fail("No cookie of this name is forged")
    assert.isUndefined(read(requestWith({ cookie: "tallykeep_voter=eve.signed-3" }), none))
    const both = "__Host-tallykeep_voter=ann.signed-3; tallykeep_voter=eve.signed-3"
    assert.strictEqual(read(requestWith({ cookie: both }), none), "ann")
  })
})
