import { assert, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core"
import type { PollDefinition } from "../../src/domain/PollDefinition.ts"
import { makeSite, untilReady } from "../e2e/site.ts"
import { makeProvider } from "../support/identityProvider.ts"
import { startApi } from "../support/processes.ts"
import { findChromium, launchChromium } from "./chromium.ts"

/** How long something may take to appear, and a test, in ms: the failure names what is missing. */
const [patience, timeout] = [20_000, 120_000]
const adminToken = "an-admin-token-for-tests"
const [issuer, audience] = ["https://id.example", "votes"]

/** The built program, and browsers that look at it. */
export class Web extends Context.Service<
  Web,
  {
    readonly url: string
    readonly adminToken: string
    /**
     * Opens a page in a browser of its own, until the test ends: a page that is left open goes on drawing what it hears of. A
     * complaint on its console fails the test, unless it is `expected`.
     */
    page(options?: BrowserContextOptions, expected?: RegExp): Promise<Page>
    /** Closes all pages. */
    close(): Promise<void>
    /** Creates a poll for one test; returns its slug. */
    poll(fields?: Partial<PollDefinition>): Promise<string>
    /** Makes a token of the identity provider's for one of its users. */
    signIn(user: string): Promise<string>
    /** Sends a request to the API as the admin. */
    ask(path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>
    /** Returns all complaints since the last call. */
    complaints(): ReadonlyArray<string>
  }
>()("tallykeep/test/Web") {
  static readonly layer = (executable: string) =>
    Layer.effect(
      Web,
      Effect.gen(function* () {
        const { env } = yield* makeSite()
        const secrets = { ADMIN_TOKEN: adminToken, VOTER_SECRET: "a secret of tests".padEnd(40).replaceAll(" ", "-") }
        const provider = yield* makeProvider
        const identities = { JWKS_URL: provider.url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience }
        const { url } = yield* startApi("all", { env: { ...env, ...secrets, ...identities } })
        yield* untilReady(url)
        const browser = yield* Effect.acquireRelease(
          Effect.promise(() => launchChromium(executable)),
          (open) => Effect.promise(() => open.close())
        )
        let complaints: Array<string> = []
        let contexts: Array<BrowserContext> = []
        let polls = 0

        const page = async (options: BrowserContextOptions = {}, expected?: RegExp) => {
          const context = await browser.newContext({ baseURL: url, ...options })
          contexts.push(context)
          context.setDefaultTimeout(patience)
          const opened = await context.newPage()
          opened.on("pageerror", (error) => complaints.push(String(error)))
          opened.on("console", (message) => {
            if (message.type() === "error" && !expected?.test(message.text())) complaints.push(message.text())
          })
          return opened
        }
        const ask = async (path: string, body?: unknown) => {
          const response = await fetch(`${url}${path}`, {
            method: body === undefined ? "GET" : "POST",
            headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
          const json: Readonly<Record<string, unknown>> = JSON.parse(await response.text())
          assert.isTrue(response.ok, JSON.stringify(json))
          return json
        }
        return Web.of({
          url,
          adminToken,
          page,
          close: async () => {
            const all = contexts
            contexts = []
            await Promise.all(all.map((context) => context.close()))
          },
          ask,
          signIn: (user) => Effect.runPromise(provider.token({ iss: issuer, aud: audience, sub: user })),
          poll: async (fields = {}) => {
            const slug = `poll-${++polls}`
            const options = ["Apples", "Pears", "Plums"].map((label) => ({ id: label.toLowerCase(), label }))
            const basic = { slug, title: `Which fruit, ${polls}?`, options, ballot: "open", identity: "anyone" }
            await ask("/api/polls", { ...basic, results: "live", ...fields })
            return slug
          },
          complaints: () => {
            const all = complaints
            complaints = []
            return all
          }
        })
      })
    )
}

type Test = (name: string, body: (web: Web["Service"]) => Promise<void>) => void

/** Runs tests in a real browser; if the machine has none, they fail and say what to do. */
export const browserTests = (name: string, define: (test: Test) => void): void => {
  const executable = findChromium()
  if (executable === undefined) {
    it(name, () => assert.fail("There is no Chromium or Chrome here; script/bootstrap --test installs one"))
    return
  }
  layer(Web.layer(executable), { excludeTestServices: true })(name, (live) =>
    define((title, body) =>
      live.effect(
        title,
        () =>
          Effect.gen(function* () {
            const web = yield* Web
            yield* Effect.promise(() => body(web))
            assert.deepStrictEqual(web.complaints(), [])
          }).pipe(Effect.ensuring(Effect.flatMap(Web, (web) => Effect.promise(() => web.close())))),
        timeout
      )
    )
  )
}
