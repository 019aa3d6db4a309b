import { Schema } from "effect"
import { choicePattern } from "./Choice.ts"
import { OptionId } from "./Poll.ts"

export const voteIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A vote's identity from before it is appended: a UUIDv7, in lower case. */
export const VoteId = Schema.String.check(Schema.isPattern(voteIdPattern, { message: "must be a UUIDv7" }))

/** Whether a value is a vote's identity. */
export const isVoteId = Schema.is(VoteId)

/** Writes the 32 hex digits of a UUID with its dashes. */
export const uuidOf = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")

/** What the latest `vote_id`s begin with, which are many a millisecond: to write it takes as long as all else about one. */
let minted = { ms: Number.NaN, start: "" }

/** Returns what the `vote_id`s of a millisecond begin with. */
const startAt = (ms: number): string => {
  if (minted.ms !== ms) {
    const hex = ms.toString(16).padStart(12, "0")
    minted = { ms, start: `${hex.slice(0, 8)}-${hex.slice(8)}-7` }
  }
  return minted.start
}

/** Mints a `vote_id`: the time in ms, and Node's own random UUID for the rest, since Node keeps random bytes in store. */
export const makeVoteId = (): string => startAt(Date.now()) + crypto.randomUUID().slice(15)

/** One accepted request, as the stream holds it. */
export interface Vote {
  readonly voteId: string
  readonly poll: string
  /** What it says, as src/domain/Choice.ts writes it. */
  readonly choice: string
  /** A keyed hash of who voted, in base64url, where the poll asks for that. */
  readonly voter?: string
  /** What a proof of it is asked for by, where it came with an idempotency key: a hash (keyProof in src/stream/VoteEntry.ts). */
  readonly n?: string
  /** When the API took it, in ms since 1970 by the API's clock: for people, never for a decision. */
  readonly castAt: number
}

/** Half of a SHA-256, in base64url. */
export const halfHashPattern = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** The largest number that the ledger's `bigint` columns hold. */
const maxBigint = 2n ** 63n - 1n

/** When a vote was accepted: its stream entry's id, in ms by Redis's clock and a sequence within that. */
export interface Acceptance {
  readonly ms: bigint
  readonly seq: bigint
}

/** A stream entry by its stream and id, with the `vote_id` that the ledger knows it by. */
export const AuditedEntry = Schema.Struct({ stream: Schema.String, entry_id: Schema.String, vote_id: Schema.String })
export type AuditedEntry = typeof AuditedEntry.Type

/** Returns what tells entries apart: those of different streams may have the same id. */
export const placeOf = ({ entry_id, stream }: AuditedEntry): string => `${entry_id} of ${stream}`

/** Whether an acceptance is not after another one. */
export const isUpTo = (a: Acceptance, b: Acceptance): boolean => (a.ms === b.ms ? a.seq <= b.seq : a.ms < b.ms)

/** Later than any other acceptance: it stands for that of an entry whose id is out of the ledger's range. */
export const latestAcceptance: Acceptance = { ms: maxBigint, seq: maxBigint }

/** Splits an entry's id, such as `1732000000000-0`, into its two numbers of up to 64 bits. */
export const splitEntryId = (id: string): Acceptance => {
  const dash = id.indexOf("-")
  return { ms: BigInt(id.slice(0, dash)), seq: BigInt(id.slice(dash + 1)) }
}

/** Returns the time of an entry's id, in ms since 1970. */
export const entryMs = (id: string): number => Number(id.slice(0, id.indexOf("-")))

/** Reads an entry's id as an acceptance; undefined where a part of it is beyond the ledger's `bigint`. */
export const parseEntryId = (id: string): Acceptance | undefined => {
  const parts = splitEntryId(id)
  return parts.ms > maxBigint || parts.seq > maxBigint ? undefined : parts
}

/** Returns the acceptance that the ledger has for an entry's id. */
export const acceptanceOf = (id: string): Acceptance => parseEntryId(id) ?? latestAcceptance

/** Whether a text is an id that a stream's entry can have: two numbers of 64 bits, as in `1732000000000-0`. */
export const isStreamId = (id: string): boolean => {
  if (!/^\d{1,20}-\d{1,20}$/.test(id)) return false
  const { ms, seq } = splitEntryId(id)
  return ms < 2n ** 64n && seq < 2n ** 64n
}

const anOption = OptionId.annotate({ description: "One of the poll's options", examples: ["cats"] })
const inPoll = (kind: string, description: string) => ({ identifier: `Vote${kind}`, description })

/** The body of a vote's request in a poll of kind `single`; the following are those of the other kinds. */
export const SingleVote = Schema.Struct({ option: anOption }).annotate(
  inPoll("Single", "A vote in a poll of kind `single`")
)
const MultipleVote = Schema.Struct({ options: Schema.Array(anOption) }).annotate(
  inPoll("Multiple", "A vote in a poll of kind `multiple`: `min` to `max` different options, in any order")
)
const ScoreVote = Schema.Struct({ scores: Schema.Record(OptionId, Schema.Int) }).annotate(
  inPoll("Score", "A vote in a poll of kind `score`: whole numbers from `min` to `max` by option; for all with `every`")
)
const PointsVote = Schema.Struct({ points: Schema.Record(OptionId, Schema.Int) }).annotate(
  inPoll(
    "Points",
    "A vote in a poll of kind `points`: whole numbers by option, together up to `budget`, or it with `spend_all`"
  )
)
const RankedVote = Schema.Struct({ ranking: Schema.Array(anOption) }).annotate(
  inPoll("Ranked", "A vote in a poll of kind `ranked`: up to `max` different options, the best first")
)
const Abstention = Schema.Struct({ abstain: Schema.Literal(true) }).annotate(
  inPoll("Abstention", "An abstention, in a poll with `abstain`")
)

/** The body of a vote's request, by the poll's kind. */
export const VoteRequest = Schema.Union([SingleVote, MultipleVote, ScoreVote, PointsVote, RankedVote, Abstention])

const receipt = {
  message: Schema.Literal("Vote recorded successfully"),
  vote_id: VoteId,
  stream_id: Schema.String.annotate({ description: "The stream entry's id", examples: ["1732000000000-0"] })
}

/** What the client gets back for a vote for one option: proof that Redis holds the vote. */
export const SingleReceipt = Schema.Struct({ ...receipt, option: OptionId }).annotate({ identifier: "ReceiptSingle" })

/** What the client gets back for any other vote. */
const ChoiceReceipt = Schema.Struct({
  ...receipt,
  choice: Schema.String.check(Schema.isPattern(choicePattern)).annotate({
    description:
      "What the vote says, as it is kept: `a+c`, scores and points as `a:5,b:0`, rankings as `b>a`, abstentions as `-`",
    examples: ["a+c"]
  })
}).annotate({ identifier: "ReceiptChoice" })

export const Receipt = Schema.Union([SingleReceipt, ChoiceReceipt])

/** What has become of a vote: waiting in the stream, or what the ledger says. */
export const VoteStatus = Schema.Struct({
  vote_id: VoteId,
  poll: Schema.NullOr(Schema.String),
  status: Schema.Literals(["queued", "counted", "superseded", "rejected", "dead"]),
  reason: Schema.optionalKey(Schema.String).annotate({ description: "Why it was rejected, or is dead" })
})
export type VoteStatus = typeof VoteStatus.Type

/** What a voter's keyed hash looks like: base64url. */
export const voterPattern = /^[\w-]{1,86}$/
