import { setTimeout } from "node:timers/promises"
import { Effect } from "effect"
import type { Description } from "./description.ts"
import { adminToken, type Site } from "./site.ts"

type Identity = "anyone" | "browser" | "token" | "provider"

/** A poll of which requests know. */
export interface KnownPoll {
  readonly slug: string
  /** What its votes say (src/domain/Rules.ts). */
  readonly kind: string
  readonly identity: Identity
  /** The ids. */
  readonly options: ReadonlyArray<string>
  /** What voters of it send: cookies, or tokens. */
  readonly voters: ReadonlyArray<string>
}

/** What requests are made with: what is there before the first of them. */
export interface World {
  readonly description: Description
  readonly adminToken: string
  readonly polls: ReadonlyArray<KnownPoll>
  /** The ids of votes, each with its query: `019…?stream_id=1-0`. */
  readonly receipts: ReadonlyArray<string>
  /** Paths of pages, assets and documents. */
  readonly pages: ReadonlyArray<string>
  /** ETags of pages. */
  readonly etags: ReadonlyArray<string>
}

const voters = 60

/** An answer of our own, whose shape is known. */
const jsonOf = <A>(answer: Response) => Effect.promise(async (): Promise<A> => JSON.parse(await answer.text()))

/** Each kind of poll that there is, two that are not open, and one that asks for a proof of work. */
const definitions = (["anyone", "browser", "token", "provider"] as const).flatMap((identity) =>
  (["open", "once", "changeable"] as const).flatMap((ballot) =>
    (["live", "after_vote", "after_close"] as const)
      .filter((results) => identity !== "anyone" || (ballot === "open" && results !== "after_vote"))
      .map((results) => ({
        identity,
        ballot,
        results,
        slug: `${identity}-${ballot}-${results.replace("_", "-")}`,
        more: {}
      }))
  )
)
const others = [
  { ...definitions[0], slug: "upcoming", more: { opens_at: "3000-01-01T00:00:00Z" } },
  { ...definitions[0], slug: "closed", more: {} },
  { ...definitions[0], slug: "challenged", more: { challenge: "pow" } }
]

const ofKinds = [
  { kind: "multiple", min: 1, max: 2 },
  { kind: "score", min: -2, max: 5 },
  { kind: "points", budget: 10 },
  { kind: "ranked", method: "stv", seats: 2 }
].flatMap((rules) =>
  ([0, 1, 2] as const).map((index) => ({
    ...(definitions.filter(({ ballot, results }) => ballot !== "open" && results === "live")[index] ?? definitions[0]),
    slug: `${rules.kind}-${index}`,
    more: { ...rules, abstain: true }
  }))
)

const options = ["a", "b", "c"]

/** Makes the polls and their voters, and finds out what can be asked for. */
export const makeWorld = Effect.fnUntraced(function* ({ api, userToken }: Site): Effect.fn.Return<World> {
  const ask = (path: string, init?: RequestInit) =>
    Effect.promise(async () => {
      let answer = await fetch(`${api.url}${path}`, init)
      // Until the tables are there, nothing can be kept.
      for (let tries = 0; answer.status === 503 && tries < 300; tries++) {
        await setTimeout(100)
        answer = await fetch(`${api.url}${path}`, init)
      }
      if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`)
      return answer
    })
  const post = (path: string, body: unknown) =>
    ask(path, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body)
    })

  const votersOf = Effect.fnUntraced(function* (slug: string, identity: Identity) {
    const each = Array.from({ length: identity === "anyone" ? 0 : voters }, (_, index) => `user-${index}`)
    if (identity === "provider") return yield* Effect.forEach(each, userToken)
    if (identity === "browser") {
      return yield* Effect.forEach(each, () =>
        Effect.map(ask(`/polls/${slug}`), ({ headers }) => (headers.get("set-cookie") ?? "").split(";")[0] ?? "")
      )
    }
    if (each.length === 0) return []
    const answer = yield* post(`/api/polls/${slug}/tokens`, { count: voters })
    const { tokens } = yield* jsonOf<{ readonly tokens: ReadonlyArray<string> }>(answer)
    return tokens
  })

  const polls = yield* Effect.forEach(
    [...definitions, ...others, ...ofKinds],
    Effect.fnUntraced(function* ({ ballot, identity = "anyone", results, slug, more }) {
      const title = `${slug} <zq7>`
      const described = options.map((id) => ({ id, label: `${id} <zq7>` }))
      yield* post("/api/polls", { slug, title, options: described, ballot, identity, results, ...more })
      if (slug === "closed") yield* post(`/api/polls/${slug}/close`, {})
      const kind = "kind" in more ? more.kind : "single"
      return { slug, identity, kind, options, voters: yield* votersOf(slug, identity) } satisfies KnownPoll
    })
  )
  const receipts = yield* Effect.forEach(Array.from({ length: 20 }), () =>
    Effect.map(post("/api/vote", { option: "cats" }), ({ headers }) =>
      (headers.get("location") ?? "").replace("/api/votes/", "")
    )
  )
  const page = yield* Effect.flatMap(ask("/polls/anyone-open-live"), (answer) => Effect.promise(() => answer.text()))
  const assets = [...page.matchAll(/"(\/assets\/[\w.-]+)"/g)].map(([, path = ""]) => path)
  const pages = ["/", "/admin", "/docs", "/docs/docs.js", "/docs/swagger-ui.css", "/openapi.json", ...assets]
  const etags = yield* Effect.forEach(pages, (path) =>
    Effect.map(ask(path), ({ headers }) => headers.get("etag") ?? "*")
  )
  const description = yield* Effect.flatMap(ask("/openapi.json"), jsonOf<Description>)
  const known: KnownPoll = {
    slug: "cats-or-dogs",
    identity: "anyone",
    kind: "single",
    options: ["cats", "dogs"],
    voters: []
  }
  // Often as the default poll is asked for, so often are those of other kinds.
  return { description, adminToken, polls: [known, ...polls], receipts, pages, etags }
})
