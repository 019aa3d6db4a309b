import { randomBytes } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Poll } from "../../src/domain/Poll.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import type { AcceptedVote } from "../../src/ledger/VoteColumns.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { uniqueName } from "./names.ts"
import { eventually } from "./servers.ts"
import { teaOrCoffeePoll } from "./teaOrCoffee.ts"

export const day = 86_400_000

/** A UUIDv7 of a time, in ms since 1970. */
export const voteIdAt = (ms: number): string => {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(ms, 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

/** A vote of now in the poll that there always is. */
export const cast = (option = "cats") => ({
  voteId: makeVoteId(),
  poll: "cats-or-dogs",
  choice: option,
  castAt: Date.now()
})

/** Waits until all votes are counted. */
export const drained = Effect.flatMap(VoteStream, (stream) =>
  eventually(Effect.map(stream.backlog, (backlog) => assert.strictEqual(backlog, 0)))
)

let sequence = 0n

/** A vote whose id is of a time, and which is accepted then, after all votes made before it. */
export const voteAt = (ms: number, poll: string, option: string, voter?: string): AcceptedVote => ({
  voteId: voteIdAt(ms),
  poll,
  choice: option,
  castAt: ms,
  ms: BigInt(ms),
  seq: sequence++,
  ...(voter === undefined ? {} : { voter: Buffer.from(voter).toString("base64url") })
})

/** A poll for tea or coffee in the ledger. */
export const createPoll = Effect.fnUntraced(function* (overrides: Partial<Poll> = {}) {
  const acts = yield* PollActs
  const ledger = yield* Ledger
  yield* ledger.migrated
  const poll = { slug: uniqueName("poll").replace("_", "-"), ...teaOrCoffeePoll, ...overrides }
  yield* acts.create(poll, 0)
  return poll.slug
})

/** The tally of a poll for tea or coffee. */
export const tallyOf = Effect.fnUntraced(function* (poll: string) {
  const ledger = yield* Ledger
  const tally = yield* ledger.tally(poll)
  return Object.fromEntries(tally?.options.map(({ count, option }) => [option, count]) ?? [])
})
