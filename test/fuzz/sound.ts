import type { Random } from "../chaos/random.ts"
import type { Request } from "./exchange.ts"
import { host } from "./exchange.ts"
import { pick, segments, texts, upTo, values, weighted } from "./values.ts"
import type { KnownPoll, World } from "./world.ts"

/** What a voter of the poll sends to be known, now and then nothing or another's. */
const asVoter = (random: Random, { identity, voters }: KnownPoll): Readonly<Record<string, string>> => {
  if (identity === "anyone" || random() < 0.1) return {}
  const voter = random() < 0.95 ? pick(random, voters) : `${pick(random, voters)}x`
  return identity === "browser" ? { cookie: voter } : { authorization: `Bearer ${voter}` }
}

const pollOf = (random: Random, { polls }: World) => pick(random, polls)

/** What a vote in a poll says, mostly within its rules, as the body of one. */
const sayIn = (random: Random, { kind, options }: KnownPoll): Readonly<Record<string, unknown>> => {
  if (kind === "single") return { option: random() < 0.97 ? pick(random, options) : pick(random, texts) }
  if (random() < 0.1) return { abstain: random() < 0.9 ? true : pick(random, values) }
  const named = options.filter(() => random() < 0.6).toSorted(() => random() - 0.5)
  const list = random() < 0.9 ? named : [...named, pick(random, texts), options[0]]
  if (kind === "multiple") return { options: list }
  if (kind === "ranked") return { ranking: list }
  const number = () => (random() < 0.95 ? upTo(random, 6) : pick(random, values))
  return { [kind === "score" ? "scores" : "points"]: Object.fromEntries(list.map((id) => [id, number()])) }
}

/** The fields of the page's form that say the same. */
const asFields = (said: Readonly<Record<string, unknown>>): URLSearchParams => {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(said)) {
    if (name === "ranking" && Array.isArray(value)) {
      for (const [index, id] of value.entries()) fields.append(`rank-${id}`, String(index + 1))
    } else if (Array.isArray(value)) for (const id of value) fields.append(name, String(id))
    else if (typeof value !== "object" || value === null) fields.append(name, String(value))
    else
      for (const [id, number] of Object.entries(value))
        fields.append(`${name.replace("scores", "score")}-${id}`, String(number))
  }
  return fields
}

/** A vote as it should be, most of the time. */
export const vote = (random: Random, world: World): Request => {
  const poll = pollOf(random, world)
  const isDefault = random() < 0.3
  const said = sayIn(random, isDefault ? { ...poll, kind: "single", options: ["cats", "dogs"] } : poll)
  return {
    method: "POST",
    path: isDefault ? pick(random, ["/api/vote", "/vote"]) : `/api/polls/${poll.slug}/votes`,
    headers: {
      "content-type": "application/json",
      ...(isDefault ? {} : asVoter(random, poll)),
      ...(random() < 0.4 ? { "idempotency-key": `k${upTo(random, 3_000)}` } : {})
    },
    body: JSON.stringify(said)
  }
}

/** A vote by the form of a poll's page. */
export const formVote = (random: Random, world: World): Request => {
  const poll = pollOf(random, world)
  const { authorization, ...headers } = asVoter(random, poll)
  const fields = asFields(sayIn(random, poll))
  if (random() < 0.7) fields.set("key", `f${upTo(random, 3_000)}`)
  if (authorization !== undefined) fields.set("token", authorization.replace("Bearer ", ""))
  const from = weighted<Readonly<Record<string, string>>>(random, [
    [6, { "sec-fetch-site": "same-origin" }],
    [3, { origin: `https://${host}` }],
    [1, {}],
    [1, { origin: "https://evil.example" }]
  ])
  const type = { "content-type": "application/x-www-form-urlencoded" }
  return { method: "POST", path: `/polls/${poll.slug}`, headers: { ...type, ...headers, ...from }, body: `${fields}` }
}

/** What a viewer or a page asks for. */
export const read = (random: Random, world: World): Request => {
  const poll = pollOf(random, world)
  const inPoll = `/api/polls/${poll.slug}`
  const path = weighted(random, [
    [6, pick(random, ["/api/results", "/results"])],
    [6, `${inPoll}/results`],
    [2, `${inPoll}/results.csv`],
    [2, inPoll],
    [1, "/api/polls"],
    [4, `/api/votes/${pick(random, world.receipts)}`],
    [6, `/polls/${poll.slug}${random() < 0.3 ? `?vote_id=${pick(random, world.receipts).replace("?", "&")}` : ""}`],
    [6, pick(random, world.pages)]
  ])
  return {
    method: random() < 0.9 ? "GET" : "HEAD",
    path,
    headers: {
      ...asVoter(random, poll),
      ...(random() < 0.3 ? { "if-none-match": pick(random, world.etags) } : {})
    }
  }
}

/** A target that is nowhere, or almost somewhere. */
export const strangePath = (random: Random, world: World): Request => {
  const right = pick(random, [...Object.keys(world.description.paths), ...world.pages])
  const at = upTo(random, right.length + 1)
  const segment = pick(random, segments)
  const path = pick<() => string>(random, [
    () => `${right}/`,
    () => `/${right}`,
    () => right.toUpperCase(),
    () => `${right}/${segment}`,
    () => right.replace(/\w/g, (letter) => (random() < 0.3 ? `%${letter.charCodeAt(0).toString(16)}` : letter)),
    () => `/${right.slice(0, at)}${segment}${right.slice(at)}`,
    () => `/assets/../${right}`,
    () => "/assets/..%2f..%2fpackage.json",
    () => `${right};a=b`,
    () => `${right}?${"a=b&".repeat(upTo(random, 2_000))}`,
    () => `${right}?${segment}`,
    () => `/polls/${"x".repeat(upTo(random, 8_000))}`,
    () => `/${"a/".repeat(upTo(random, 4_000))}`,
    () => `/api/polls/${segment}/results/stream`
  ])()
  const method =
    random() < 0.8 ? "GET" : pick(random, ["POST", "PUT", "OPTIONS", "DELETE", "PROPFIND", "HEAD", "TRACE"])
  // What is no visible ASCII is no target: that is for what is odd as HTTP.
  return { method, path: path.replace(/[^!-~]/g, "%20"), headers: {} }
}

/** What an operator's machines ask the management port, and what is not there. */
export const operations = (random: Random): Request => ({
  method: random() < 0.9 ? "GET" : pick(random, ["HEAD", "POST", "OPTIONS", "DELETE"]),
  path: pick(random, ["/health", "/ready", "/metrics", "/health/", "/", "/api/results", `/${pick(random, segments)}`]),
  headers: {}
})
