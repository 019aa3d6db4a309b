import type { OutgoingHttpHeaders } from "node:http"
import type { Random } from "../chaos/random.ts"

/** The parts of an OpenAPI description from which requests are made. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
}

interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Buffer | undefined
}

const texts = [
  "cats",
  "cats-or-dogs",
  "",
  "..",
  "a".repeat(400),
  "<script>alert(1)</script>",
  "' or 1=1; drop table poll; --",
  "\u0000",
  "\ud800",
  "💥",
  "019845e1-682f-7b02-a706-3b2422d13aec",
  "18446744073709551616-1",
  "1732000000000-0",
  "2026-11-24T20:15:00Z",
  "9999-99-99T99:99:99Z",
  "-1",
  "1e309",
  "=1+1",
  "__proto__",
  "constructor"
]

const values: ReadonlyArray<unknown> = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  [],
  {},
  [[]],
  { option: "cats" },
  ...texts
]

const segments = [...texts.map(encodeWell), "%00", "%ff", "%zz", "%2e%2e%2f", "a//b", ";x", "*"]

function encodeWell(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

const headerValues: Readonly<Record<string, ReadonlyArray<string>>> = {
  "content-type": [
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data; boundary=x",
    ""
  ],
  "content-encoding": ["gzip", "identity", "br, gzip"],
  "challenge-solution": ["e30=", "%%%", "bnVsbA==", "a".repeat(3000), "eyJjaGFsbGVuZ2UiOnt9fQ==", ""],
  "idempotency-key": ["k", "a".repeat(255), "a".repeat(256), "two words", ""],
  "if-none-match": ["*", '"x"', "W/", ",,,"],
  "last-event-id": ["0", "-1", "x".repeat(1000)],
  authorization: [
    "Bearer",
    "Bearer x.y.z",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Basic eDp5",
    `Bearer ${"a".repeat(3000)}`
  ],
  origin: ["http://localhost:3000", "null", "https://evil.example", ""],
  "access-control-request-method": ["POST", "TRACE"],
  cookie: ["tallykeep_voter=x.y", "tallykeep_voter", "=;;=", `a=${"b".repeat(2000)}`],
  "x-forwarded-for": ["1.2.3.4", "::1, , x", "a".repeat(500)],
  accept: ["text/html", "*/*;q=0", ""],
  range: ["bytes=0-1", "x"],
  upgrade: ["websocket", "h2c"],
  "transfer-encoding": ["chunked"],
  "x-http-method-override": ["DELETE"]
}

const pick = <A>(random: Random, list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)] as A

/** Makes a value that fits the schema, and now and then one that does not. */
const valueOf = (random: Random, schema: JsonSchema, description: Description): unknown => {
  if (random() < 0.12) return pick(random, values)
  if (schema.$ref !== undefined) {
    return valueOf(random, description.components?.schemas?.[schema.$ref.split("/").at(-1) ?? ""] ?? {}, description)
  }
  if (schema.anyOf !== undefined) return valueOf(random, pick(random, schema.anyOf), description)
  if (schema.enum !== undefined) return pick(random, schema.enum)
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties).filter(() => random() < 0.95)
    const extra = random() < 0.1 ? [[pick(random, texts), pick(random, values)] as const] : []
    return Object.fromEntries([
      ...entries.map(([name, property]) => [name, valueOf(random, property, description)] as const),
      ...extra
    ])
  }
  if (schema.type === "array") {
    return Array.from({ length: Math.floor(random() * 5) }, () => valueOf(random, schema.items ?? {}, description))
  }
  if (schema.type === "integer" || schema.type === "number") return Math.floor(random() * 20)
  const dice = random()
  return dice < 0.4 ? "cats" : dice < 0.7 ? `poll-${Math.floor(random() * 1e9)}` : pick(random, texts)
}

const bodyOf = (random: Random, operation: Operation, description: Description): string | Buffer | undefined => {
  const schema = operation.requestBody?.content["application/json"]?.schema
  const dice = random()
  if (schema === undefined && dice < 0.8) return undefined
  const text = JSON.stringify(valueOf(random, schema ?? {}, description)) ?? ""
  if (dice < 0.75) return text
  if (dice < 0.8) return text.slice(0, Math.floor(random() * text.length))
  if (dice < 0.85) return "[".repeat(5_000)
  if (dice < 0.9) return Buffer.from([0xff, 0xfe, ...Buffer.from(text)])
  return dice < 0.95 ? "" : " ".repeat(Math.floor(random() * 5_000)) + text
}

/** A poll that the program under test has besides the default one. */
export const challenged = "challenged"

/** Makes a request for an endpoint of the description: mostly as described, and wrong in some way now and then. */
export const makeRequest = (random: Random, description: Description, adminToken: string): FuzzRequest => {
  const [template, operations] = pick(random, Object.entries(description.paths))
  const [method, operation] = pick(random, Object.entries(operations))
  // Closing the default poll would end all voting in it.
  const known = random() < 0.6 && !template.endsWith("/close")
  const path = template.replace(/\{\w+\}/g, () =>
    known ? pick(random, ["cats-or-dogs", challenged]) : pick(random, segments)
  )
  const query = random() < 0.3 ? `?${pick(random, ["stream_id", "x", ""])}=${pick(random, segments)}&stream_id=1-1` : ""
  const headers: OutgoingHttpHeaders = { "content-type": "application/json" }
  if (random() < 0.4) headers.authorization = `Bearer ${adminToken}`
  for (const [name, list] of Object.entries(headerValues)) if (random() < 0.06) headers[name] = pick(random, list)
  const other = random() < 0.05
  const body = bodyOf(random, operation, description)
  // Without it, Node sends the body of a GET unframed.
  if (body !== undefined && headers["transfer-encoding"] === undefined)
    headers["content-length"] = Buffer.byteLength(body)
  return {
    method: other ? pick(random, ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "QUERY"]) : method.toUpperCase(),
    path: path + query,
    headers,
    body
  }
}
