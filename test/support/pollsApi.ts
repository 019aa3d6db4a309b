import type { OutgoingHttpHeaders } from "node:http"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerFinality } from "../../src/consumer/Finality.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { layerTabulating } from "../../src/consumer/Tabulating.ts"
import type { PollDefinition } from "../../src/domain/PollDefinition.ts"
import { layerHttpServices } from "../../src/http/HttpServices.ts"
import { HttpSettings } from "../../src/http/HttpSettings.ts"
import { Lifecycle } from "../../src/http/Lifecycle.ts"
import { PublicFolder } from "../../src/http/pages/PublicFolder.ts"
import { layerServer } from "../../src/http/Server.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Tabulations } from "../../src/ledger/Tabulations.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { httpSettings, json, publicFolder, request } from "./api.ts"
import { uniqueName } from "./names.ts"
import { eventually, layerServers, type TestSettings } from "./servers.ts"
import { teaOrCoffee } from "./teaOrCoffee.ts"
import type { Answer } from "./wire.ts"

export const adminToken = "the-admin-of-these-tests"
export const voterSecret = "what-signs-the-voters-of-these-tests"

type Settings = Partial<HttpSettings["Service"]>

/** One API process on a port of its own: all that two of them share is what Redis and PostgreSQL hold. */
export const layerProcess = (settings: Settings = {}, folder: URL = publicFolder) =>
  layerServer.pipe(
    Layer.provideMerge(layerHttpServices),
    Layer.provideMerge(Layer.mergeAll(Backlog.layer, Lifecycle.layer)),
    Layer.provide([
      Announcements.layer,
      Layer.succeed(PublicFolder, folder),
      Layer.succeed(HttpSettings, httpSettings({ adminTokens: [adminToken], voterSecrets: [voterSecret], ...settings }))
    ]),
    Layer.fresh
  )

/** Another API process next to the one under test; what runs in it asks it. */
export const anotherProcess = (settings: Settings = {}) =>
  Effect.map(
    Layer.build(layerProcess(settings)),
    (context) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.provideContext(effect, context)
  )

/** The ledger's schema is there before anyone asks for a poll. */
const migrated = Layer.effectDiscard(Effect.flatMap(Ledger, ({ migrated }) => migrated))

/** An API process over real Redis and PostgreSQL, without anyone who counts. */
export const layerUncounted = (
  settings: Settings = {},
  folder: URL = publicFolder,
  stream: Partial<TestSettings> = {}
) => layerProcess(settings, folder).pipe(Layer.provideMerge(migrated), Layer.provideMerge(layerServers(stream)))

/** The same with a consumer that counts, makes results final, and tabulates ranked polls. */
export const layerPollsApi = (settings: Settings = {}, folder: URL = publicFolder) =>
  layerProcess(settings, folder).pipe(
    Layer.provideMerge(
      Layer.mergeAll(migrated, layerPool, layerFinality, layerTabulating.pipe(Layer.provide(Tabulations.layer)))
    ),
    Layer.provideMerge(layerServers())
  )

export const asAdmin = { authorization: `Bearer ${adminToken}` }

const asJson = { "content-type": "application/json" }

export const post = (path: string, body: unknown, headers: OutgoingHttpHeaders = {}) =>
  request("POST", path, { headers: { ...asJson, ...headers }, body: JSON.stringify(body) })

/** A poll's definition with a slug of its own, for anyone and as often as they like unless said otherwise. */
export const definition = (overrides: Partial<PollDefinition> = {}): PollDefinition => ({
  slug: uniqueName("poll").replace("_", "-"),
  ...teaOrCoffee,
  ...overrides
})

/** Creates a poll and gives its slug. */
export const createPoll = Effect.fnUntraced(function* (overrides: Partial<PollDefinition> = {}) {
  const poll = definition(overrides)
  const answer = yield* post("/api/polls", poll, asAdmin)
  assert.strictEqual(answer.status, 201, answer.body)
  return poll.slug
})

/**
 * Creates a poll that closes in a few seconds, and does what has to be done before that. Where this takes longer, as on a machine
 * that stands still meanwhile, it is all done again with another poll that closes later.
 */
export const beforeItCloses = <A, E, R>(
  overrides: Partial<PollDefinition>,
  act: (slug: string, closesMs: number) => Effect.Effect<A, E, R>
) => {
  let [ms, closesMs] = [1_000, 0]
  return Effect.suspend(() => {
    ms *= 2
    closesMs = Date.now() + ms
    const poll = createPoll({ ...overrides, closes_at: new Date(closesMs).toISOString() })
    return Effect.flatMap(poll, (slug) => act(slug, closesMs))
  }).pipe(
    Effect.catchDefect((defect) => Effect.fail(defect)),
    Effect.retry({ times: 3, while: () => Date.now() >= closesMs })
  )
}

export const closePoll = (slug: string) => request("POST", `/api/polls/${slug}/close`, { headers: asAdmin })

export const voteIn = (slug: string, option: string, headers: OutgoingHttpHeaders = {}) =>
  post(`/api/polls/${slug}/votes`, { option }, headers)

/** Tokens for `count` voters of the poll. */
export const tokensFor = Effect.fnUntraced(function* (slug: string, count: number) {
  const answer = yield* post(`/api/polls/${slug}/tokens`, { count }, asAdmin)
  assert.strictEqual(answer.status, 201, answer.body)
  return json(answer).tokens as ReadonlyArray<string>
})

export const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}` })

/** What a browser sends back of the cookie that an answer sets. */
export const cookieOf = ({ headers }: Answer) => ({ cookie: (headers["set-cookie"] ?? "").split(";")[0] ?? "" })

/** What an admin sees of the poll's results: votes by option. */
export const countsOf = (slug: string) =>
  Effect.map(request("GET", `/api/polls/${slug}/results`, { headers: asAdmin }), (answer) => {
    assert.strictEqual(answer.status, 200, answer.body)
    const { results } = json(answer) as { readonly results: ReadonlyArray<{ option: string; count: number }> }
    return Object.fromEntries(results.map(({ count, option }) => [option, count]))
  })

/** Waits until the poll's votes are counted as expected. */
export const untilCounted = (slug: string, counts: Readonly<Record<string, number>>) =>
  eventually(Effect.map(countsOf(slug), (counted) => assert.deepStrictEqual(counted, counts)))

/** Waits until the poll's result is final. */
export const untilFinal = (slug: string) =>
  eventually(
    Effect.map(request("GET", `/api/polls/${slug}`), (answer) =>
      assert.strictEqual(json(answer).status, "final", answer.body)
    )
  )

/** What the ledger says of the vote that an answer confirms, once it is there. */
export const statusOf = (answer: Answer) =>
  eventually(
    Effect.gen(function* () {
      assert.strictEqual(answer.status, 201, answer.body)
      const { poll: _, vote_id, ...status } = json(yield* request("GET", answer.headers.location ?? ""))
      assert.strictEqual(vote_id, json(answer).vote_id)
      assert.notStrictEqual(status.status, "queued")
      return status
    })
  )
