import type { Random } from "../chaos/random.ts"
import type { Description, JsonSchema, Operation } from "./description.ts"
import type { Request } from "./exchange.ts"
import { pick, segments, texts, upTo, values } from "./values.ts"
import type { World } from "./world.ts"

/** How many polls the requests make at most, besides those of the world. */
const slugs = 300

const someSlug = (random: Random) => `fuzz-${upTo(random, slugs)}`

/** Makes a value that fits the schema, and now and then one that does not. */
const valueOf = (random: Random, schema: JsonSchema, description: Description): unknown => {
  if (random() < 0.06) return pick(random, values)
  if (schema.$ref !== undefined) {
    return valueOf(random, description.components?.schemas?.[schema.$ref.split("/").at(-1) ?? ""] ?? {}, description)
  }
  if (schema.anyOf !== undefined) return valueOf(random, pick(random, schema.anyOf), description)
  if (schema.enum !== undefined) return pick(random, schema.enum)
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties).filter(() => random() < 0.95)
    const extra = random() < 0.05 ? [[pick(random, texts), pick(random, values)] as const] : []
    return Object.fromEntries([
      ...entries.map(([name, property]) => [name, valueOf(random, property, description)] as const),
      ...extra
    ])
  }
  if (schema.type === "array") {
    return Array.from({ length: upTo(random, 5) }, () => valueOf(random, schema.items ?? {}, description))
  }
  if (schema.type === "integer" || schema.type === "number") return upTo(random, 20)
  const dice = random()
  return dice < 0.4 ? "cats" : dice < 0.7 ? someSlug(random) : pick(random, texts)
}

/** A definition that is right in all it says; most of the schema's own values are refused in some field. */
const definition = (random: Random) => {
  const open = random() < 0.5
  const year = 3_000 + upTo(random, 100)
  return {
    slug: someSlug(random),
    title: `${pick(random, texts)
      .replace(/[\p{Cc}\p{Cs}]/gu, "")
      .slice(0, 150)} <zq7>`,
    ...(random() < 0.5 ? { description: "line\n\tline <zq7>" } : {}),
    options: Array.from({ length: 2 + upTo(random, random() < 0.1 ? 49 : 5) }, (_, at) => ({
      id: `o${at}`,
      label: `Option ${at} <zq7>`
    })),
    ...pick<object>(random, [
      {},
      { kind: "multiple", min: 1, max: 2 },
      { kind: "score", min: -5, max: 10, every: random() < 0.5 },
      { kind: "points", budget: 1 + upTo(random, 100), spend_all: random() < 0.5 },
      { kind: "ranked", max: 2, method: pick(random, ["irv", "stv", "condorcet"]), tie_break: "draw" }
    ]),
    ...(random() < 0.3 ? { abstain: true } : {}),
    ballot: open ? "open" : pick(random, ["once", "changeable"]),
    identity: open ? "anyone" : pick(random, ["browser", "token", "provider"]),
    results: open ? pick(random, ["live", "after_close"]) : pick(random, ["live", "after_vote", "after_close"]),
    ...(random() < 0.2 ? { challenge: pick(random, ["none", "pow"]) } : {}),
    ...(random() < 0.2 ? { closes_at: `${year}-02-${10 + upTo(random, 20)}T00:00:00+01:00` } : {})
  }
}

const bodyOf = (
  random: Random,
  path: string,
  operation: Operation,
  { description, polls }: World
): string | undefined => {
  const schema = operation.requestBody?.content["application/json"]?.schema
  if (schema === undefined) return undefined
  const dice = random()
  if (path === "/api/polls" && dice < 0.5) return JSON.stringify(definition(random))
  if (path.endsWith("/tokens") && dice < 0.3) return JSON.stringify({ count: pick(random, [1, 100, 1_000, 10_000]) })
  if (/votes?$/.test(path) && dice < 0.7) return JSON.stringify({ option: pick(random, pick(random, polls).options) })
  return JSON.stringify(valueOf(random, schema, description)) ?? ""
}

const known = (random: Random, method: string, template: string, { polls }: World): string =>
  // Closing the world's own polls, or changing them, would end most voting.
  /^(patch|delete)$/.test(method) || template.endsWith("/close") || random() < 0.15
    ? someSlug(random)
    : pick(random, polls).slug

/** Makes a request for an endpoint of the description: mostly as described, and wrong in some way now and then. */
export const describedRequest = (random: Random, world: World): Request => {
  const [template, operations] = pick(random, Object.entries(world.description.paths))
  const [method, operation] = pick(random, Object.entries(operations))
  const path = template
    .replace("{slug}", () => (random() < 0.85 ? known(random, method, template, world) : pick(random, segments)))
    .replace("{vote_id}", () => (random() < 0.5 ? pick(random, world.receipts) : pick(random, segments)))
  const again = method === "delete" ? `?slug=${path.split("/").at(-1)}` : ""
  const query = random() < 0.2 ? `?${pick(random, ["stream_id", "x", ""])}=${pick(random, segments)}&stream_id=1-1` : ""
  const body = bodyOf(random, template, operation, world)
  return {
    method:
      random() < 0.05 ? pick(random, ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "QUERY"]) : method.toUpperCase(),
    path: path + (again || query),
    headers: {
      ...(random() < 0.5 ? { authorization: `Bearer ${world.adminToken}` } : {}),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(method === "patch" && random() < 0.9 ? { "if-match": pick(random, ["*", '"1"', '"2"', "x"]) } : {})
    },
    body
  }
}
