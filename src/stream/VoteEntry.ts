import { createHash } from "node:crypto"
import { Result, Schema, Struct } from "effect"
import { choicePattern } from "../domain/Choice.ts"
import { PollSlug } from "../domain/Poll.ts"
import { halfHashPattern, isVoteId, splitEntryId, uuidOf, type Vote, VoteId, voterPattern } from "../domain/Vote.ts"
import { isOriginal, OriginalFields, originalVote } from "./OriginalEntry.ts"

/*
 * The format of a stream entry: flat fields, names and values in turn. The appender, append.lua, the decoder and the reading
 * of bytes all take it from here.
 */

/** The version that is written, and the only one that is read, beside the entries of the original. */
const version = "1"

/** The fields that every entry has after its version, in the order in which they are written. */
const required = {
  vote_id: VoteId,
  poll: PollSlug,
  /** The choice. What its poll makes of it, the ledger has to see. */
  option: Schema.String.check(Schema.isPattern(choicePattern, { expected: "a choice" })),
  cast_at: Schema.String.check(Schema.isPattern(/^\d{1,15}$/, { expected: "milliseconds" }))
}

/**
 * The fields that follow where a vote has them: who has voted; what a proof of a vote with an idempotency key is asked for by, a
 * hash of its identity and the key; and the trace that the vote belongs to (W3C).
 */
const optional = {
  voter: Schema.optionalKey(Schema.String.check(Schema.isPattern(voterPattern, { expected: "base64url" }))),
  n: Schema.optionalKey(Schema.String.check(Schema.isPattern(halfHashPattern, { expected: "half a hash" }))),
  traceparent: Schema.optionalKey(Schema.String)
}

/** Unknown fields are ignored, so that a later version of tallykeep can add some. */
const EntryFields = Schema.Struct({ v: Schema.Literal(version), ...required, ...optional })

export const requiredFields = Struct.keys(required)
export const optionalFields = Struct.keys(optional)

type RequiredField = (typeof requiredFields)[number]
type OptionalField = (typeof optionalFields)[number]
type Values = Readonly<Record<RequiredField, string> & Record<OptionalField, string | undefined>>

/** What an entry may hold beside the vote. */
export interface Beside {
  /** What `keyProof` makes of the vote's idempotency key. */
  readonly n?: string | undefined
  readonly traceparent?: string | undefined
}

/** Returns the first half of the SHA-256 of a vote's identity and its idempotency key, in base64url. */
export const keyProof = (voteId: string, key: string): string =>
  createHash("sha256").update(voteId).update(key).digest().toString("base64url", 0, 16)

/** Returns the values of a vote's fields. */
export const valuesOf = (
  { castAt, choice, n: own, poll, voteId, voter }: Vote,
  { n = own, traceparent }: Beside = {}
): Values => ({
  vote_id: voteId,
  poll,
  option: choice,
  cast_at: String(castAt),
  voter,
  n,
  traceparent
})

/** Returns an entry's fields as they are in the stream, names and values in turn. */
export const encodeVote = (vote: Vote, beside?: Beside): Array<string> => {
  const values = valuesOf(vote, beside)
  return [
    "v",
    version,
    ...[...requiredFields, ...optionalFields].flatMap((name) => {
      const value = values[name]
      return value === undefined ? [] : [name, value]
    })
  ]
}

/** The texts that an entry begins with which is a vote and nothing else; null where a vote's own value is. */
export const plainLayout: ReadonlyArray<string | null> = [
  "v",
  version,
  ...requiredFields.flatMap((name) => [name, null])
]

/** The fields that may follow in such an entry, in this order. */
export const plainOptional = ["voter", "n"] as const satisfies ReadonlyArray<OptionalField>

/** Returns which of an entry's texts is the value of a field of `plainLayout`; text 0 is the entry's id. */
export const placeOf = (name: RequiredField): number => plainLayout.indexOf(name) + 2

const quoted = (text: string) => `'${text}'`

/**
 * Fills in what `append.lua` leaves to the format: `@values`, a variable for each required field, named like it; `@count`,
 * how many these are; `@fields`, the arguments of XADD that those variables make.
 */
export const withFields = (script: string): string => {
  const fields = ["v", version].map(quoted).concat(requiredFields.map((name) => `${quoted(name)}, ${name}`))
  return script
    .replaceAll("@values", requiredFields.join(", "))
    .replaceAll("@count", String(requiredFields.length))
    .replaceAll("@fields", fields.join(", "))
}

/** Returns an entry's fields by name; of a name that comes twice, the last value. */
export const fieldsByName = (flat: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {}
  for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index] ?? ""] = flat[index + 1] ?? ""
  return fields
}

const decodeOurs = Schema.decodeUnknownResult(EntryFields)
const decodeOriginal = Schema.decodeUnknownResult(OriginalFields)

/** Returns the vote that a stream's entry holds, or why it holds none. */
export const decodeVote = (stream: string, id: string, flat: ReadonlyArray<string>): Result.Result<Vote, string> => {
  const fields = fieldsByName(flat)
  const vote = isOriginal(fields)
    ? Result.map(decodeOriginal(fields), (known) => originalVote(id, entryVoteId(stream, id, flat), known))
    : Result.map(decodeOurs(fields), voteOf)
  return Result.mapError(vote, ({ message }) =>
    /^\d{1,9}$/.test(fields.v ?? "") && fields.v !== version
      ? `undecodable: an entry of version ${fields.v}, for a tallykeep that knows it to replay`
      : `undecodable: ${message.replace(/\s+/g, " ")}`
  )
}

const voteOf = ({ cast_at, n, option, poll, vote_id, voter }: typeof EntryFields.Type): Vote => ({
  voteId: vote_id,
  poll,
  choice: option,
  castAt: Number(cast_at),
  ...(voter === undefined ? {} : { voter }),
  ...(n === undefined ? {} : { n })
})

/**
 * Returns the `vote_id` that the ledger knows an entry by: its own, or, where it carries none that is valid, a UUIDv7 of the
 * entry's time and a hash of its place.
 */
export const entryVoteId = (stream: string, id: string, fields: ReadonlyArray<string>): string => {
  const own = fieldsByName(fields).vote_id
  if (isVoteId(own)) return own
  const bytes = createHash("sha256").update(`${stream}\n${id}`).digest().subarray(0, 16)
  bytes.writeUIntBE(Number(BigInt.asUintN(48, splitEntryId(id).ms)), 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return uuidOf(bytes.toString("hex"))
}
