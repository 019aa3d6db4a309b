import { Effect, Schema } from "effect"
import { makeProvider } from "../test/support/identityProvider.ts"
import { type BenchContext, interleave, type Row, ratioRow, type Side, type Target, voteRows } from "./harness.ts"
import { votes, votesOf } from "./load/load.ts"
import { barePeer } from "./support/peers.ts"
import { kill, portOf } from "./support/processes.ts"
import { api, type Figures, measure, type Server, show, startServer } from "./support/taking.ts"

/** Who votes, in a poll of its own, where a voter may vote again unless each vote is of a new one. */
interface Kind {
  readonly name: string
  readonly slug: string
  readonly identity: "browser" | "token" | "provider"
  readonly ballot?: "open" | "once"
  /** What its votes may take of an api's CPU time, of those in a poll for anyone. */
  readonly target?: Target
}

const kinds: ReadonlyArray<Kind> = [
  { name: "a cookie", slug: "browser", identity: "browser", target: { atMost: 1.35 } },
  { name: "a new voter", slug: "new-voter", identity: "browser", ballot: "once" },
  { name: "our token", slug: "token", identity: "token", target: { atMost: 1.5 } },
  { name: "a provider's RS256", slug: "rs256", identity: "provider", target: { atMost: 3 } },
  { name: "a provider's ES256", slug: "es256", identity: "provider" }
]

/** What a quick run shows to work: the kinds that have the least in common. */
const inQuick: ReadonlyArray<string> = ["browser", "token", "es256"]

const admin = "the-admin-of-these-benchmarks"
const issuer = "https://id.example"
const audience = "votes"

const settings = {
  ADMIN_TOKEN: admin,
  VOTER_SECRET: "what-signs-the-voters-of-these-benchmarks",
  NEW_VOTER_LIMIT: "1000000/1s",
  JWT_ISSUER: issuer,
  JWT_AUDIENCE: audience
}

const post = async (server: Server, path: string, body: unknown) => {
  const headers = { "content-type": "application/json", authorization: `Bearer ${admin}` }
  const url = `http://127.0.0.1:${portOf(server.program)}/api/polls${path}`
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  if (response.status !== 201) throw new Error(`${path}: ${await response.text()}`)
  return response
}

const decodeTokens = Schema.decodeUnknownSync(Schema.Struct({ tokens: Schema.Array(Schema.String) }))

const readCookie = async (response: Response): Promise<string> => {
  // Unread, it would hold its connection.
  await response.arrayBuffer()
  const { headers, status } = response
  const [cookie] = headers.get("set-cookie")?.split(";") ?? []
  if (cookie === undefined) throw new Error(`A page of status ${status} sets no cookie`)
  return cookie
}

type Sign = (claims: { readonly sub: string }, alg: "RS256" | "ES256") => Promise<string>

/** Makes the headers that tell `count` voters of a poll apart, one each. */
const headersOf = async (server: Server, { slug }: Kind, count: number, sign: Sign): Promise<ReadonlyArray<string>> => {
  const each = async (make: (index: number) => Promise<string>) => {
    const made: Array<string> = []
    while (made.length < count) made.push(await make(made.length))
    return made
  }
  const bearer = (token: string) => `Authorization: Bearer ${token}`
  if (slug === "new-voter") return [""]
  if (slug === "browser") {
    // A browser gets its cookie with the page.
    const page = () => fetch(`http://127.0.0.1:${portOf(server.program)}/polls/${slug}`)
    return each(async () => `Cookie: ${await readCookie(await page())}`)
  }
  if (slug === "token") {
    const { tokens } = decodeTokens(await (await post(server, `/${slug}/tokens`, { count })).json())
    return tokens.map(bearer)
  }
  return each(async (n) => bearer(await sign({ sub: `voter ${n}` }, slug === "rs256" ? "RS256" : "ES256")))
}

const makePoll = (server: Server, { ballot = "open", identity, slug }: Kind) => {
  const options = ["cats", "dogs"].map((id) => ({ id, label: id }))
  return post(server, "", { slug, title: slug, options, ballot, identity, results: "live" })
}

const run = async (context: BenchContext, jwksUrl: string, sign: Sign): Promise<ReadonlyArray<Row>> => {
  const more = { ...settings, JWKS_URL: jwksUrl }
  const chosen = context.quick ? kinds.filter(({ slug }) => inQuick.includes(slug)) : kinds
  const ours = await startServer(context, api, more)
  const bare = await startServer(context, barePeer("ingest-node.mjs"), more)
  const sides: Array<Side<Figures>> = []
  const add = (name: string, requests: ReadonlyArray<string>) =>
    sides.push(
      { name: `tallykeep, ${name}`, run: () => measure(context, ours, requests) },
      { name: `bare node:http, ${name}`, run: () => measure(context, bare, requests) }
    )
  add("anyone", votes)
  for (const kind of chosen) {
    await makePoll(ours, kind)
    add(kind.name, votesOf(kind.slug, await headersOf(ours, kind, context.quick ? 10 : 1_000, sign)))
  }
  const taken = await interleave(context, sides, show)
  for (const { program, site } of [ours, bare]) {
    await kill(program)
    await site.close()
  }
  const cpu = (index: number) => (taken[index] ?? []).map(({ cpu }) => cpu.own ?? Number.NaN)
  return [
    ...voteRows(sides, taken),
    ...chosen.map(({ name, target }, index) => ratioRow(`${name} / anyone, CPU`, cpu(2 * index + 2), cpu(0), target)),
    ...chosen.map(({ name }, index) =>
      ratioRow(`${name}: tallykeep / bare, per core`, cpu(2 * index + 3), cpu(2 * index + 2), { atLeast: 0.85 })
    )
  ]
}

/** Measures votes of voters beside those of anyone, and each beside a bare program that makes the same checks. */
export const runVoters = (context: BenchContext): Promise<ReadonlyArray<Row>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { token, url } = yield* makeProvider
        const sign: Sign = (claims, alg) =>
          Effect.runPromise(
            token({ iss: issuer, aud: audience, ...claims, exp: Math.floor(Date.now() / 1000) + 86_400 }, alg)
          )
        return yield* Effect.promise(() => run(context, url, sign))
      })
    )
  )
