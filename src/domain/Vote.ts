import { Result, Schema } from "effect"
import { OptionId, PollSlug } from "./Poll.ts"

export const voteIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A vote's identity from before it is appended: a UUIDv7, in lower case. */
export const VoteId = Schema.String.check(Schema.isPattern(voteIdPattern, { expected: "a UUIDv7" }))

/** Mints a `vote_id`: the time in ms, and Node's own random UUID for the rest, which has its random bytes in store. */
export const makeVoteId = (): string => {
  const ms = Date.now().toString(16).padStart(12, "0")
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

/** One accepted request, as the stream holds it. */
export interface Vote {
  readonly voteId: string
  readonly poll: string
  readonly option: string
  /** A keyed hash of who voted, in base64url, where the poll asks for that. */
  readonly voter?: string
  /** When the API took it, in ms since 1970 by the API's clock: for people, never for a decision. */
  readonly castAt: number
}

/** The largest number that the ledger's `bigint` columns hold. */
const maxBigint = 2n ** 63n - 1n

/** When a vote was accepted: its stream entry's id, in ms by Redis's clock and a sequence within that. */
export interface Acceptance {
  readonly ms: bigint
  readonly seq: bigint
}

/** Later than any other: what an entry counts as accepted at whose id is out of the ledger's range. */
export const latestAcceptance: Acceptance = { ms: maxBigint, seq: maxBigint }

/** From an entry's id, such as `1732000000000-0`; undefined where a part is beyond the ledger's `bigint`. */
export const parseEntryId = (id: string): Acceptance | undefined => {
  const dash = id.indexOf("-")
  const ms = BigInt(id.slice(0, dash))
  const seq = BigInt(id.slice(dash + 1))
  return ms > maxBigint || seq > maxBigint ? undefined : { ms, seq }
}

/** Whether it is a stream entry's id in full: two numbers of 64 bits, such as `1732000000000-0`. */
export const isStreamId = (id: string): boolean =>
  /^\d{1,20}-\d{1,20}$/.test(id) && id.split("-").every((part) => BigInt(part) < 2n ** 64n)

/** The body of a vote's request. */
export const VoteRequest = Schema.Struct({
  option: OptionId.annotate({ description: "One of the poll's options", examples: ["cats"] })
})

/** What the client gets back: proof that Redis holds the vote. */
export const Receipt = Schema.Struct({
  message: Schema.Literal("Vote recorded successfully"),
  option: OptionId,
  vote_id: VoteId,
  stream_id: Schema.String.annotate({ description: "The stream entry's id", examples: ["1732000000000-0"] })
})

/** What has become of a vote: waiting in the stream, or what the ledger says. */
export const VoteStatus = Schema.Struct({
  vote_id: VoteId,
  poll: Schema.NullOr(Schema.String),
  status: Schema.Literals(["queued", "counted", "superseded", "rejected", "dead"]),
  reason: Schema.optionalKey(Schema.String).annotate({ description: "Why it was rejected, or is dead" })
})
export type VoteStatus = typeof VoteStatus.Type

/** An entry's fields by name, from names and values in turn; of a name that comes twice, the last. */
export const fieldsByName = (flat: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {}
  for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index] ?? ""] = flat[index + 1] ?? ""
  return fields
}

export const voterPattern = /^[\w-]{1,86}$/

/**
 * A vote as flat fields of a stream entry, version 1: what is read from the stream is that, or says why not. Of fields
 * that it does not know it takes no notice, so that a later version can add some.
 */
const EntryFields = Schema.Struct({
  v: Schema.Literal("1"),
  vote_id: VoteId,
  poll: PollSlug,
  option: OptionId,
  voter: Schema.optionalKey(Schema.String.check(Schema.isPattern(voterPattern, { expected: "base64url" }))),
  cast_at: Schema.String.check(Schema.isPattern(/^\d{1,15}$/, { expected: "milliseconds" }))
})

/** A vote as an entry's fields, names and values in turn, with the trace that it belongs to, if any. */
export const encodeVote = (vote: Vote, traceparent?: string): Array<string | number> => {
  const fields = ["v", "1", "vote_id", vote.voteId, "poll", vote.poll, "option", vote.option, "cast_at", vote.castAt]
  if (vote.voter !== undefined) fields.push("voter", vote.voter)
  if (traceparent !== undefined) fields.push("traceparent", traceparent)
  return fields
}

/** The vote that the fields are, or why they are none. */
export const decodeVote = (fields: Readonly<Record<string, string>>): Result.Result<Vote, string> =>
  Result.mapBoth(decodeFields(fields), {
    onSuccess: ({ cast_at, option, poll, vote_id, voter }) => ({
      voteId: vote_id,
      poll,
      option,
      castAt: Number(cast_at),
      ...(voter === undefined ? {} : { voter })
    }),
    onFailure: ({ message }) =>
      /^\d{1,9}$/.test(fields.v ?? "") && fields.v !== "1"
        ? `undecodable: an entry of version ${fields.v}, for a tallykeep that knows it to replay`
        : `undecodable: ${message.replace(/\s+/g, " ")}`
  })

const decodeFields = Schema.decodeUnknownResult(EntryFields)
