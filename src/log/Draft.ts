import { randomBytes } from "node:crypto"
import { Schema } from "effect"
import { toHex } from "../domain/log/Bytes.ts"
import type { CloseLeaf, Leaf, OpenLeaf, TokensLeaf } from "../domain/log/Leaf.ts"
import { isHidden, pollLeaf, resultLeaf } from "../domain/log/LogLeaves.ts"
import { tileWidth } from "../domain/log/Tile.ts"
import type { Poll } from "../domain/Poll.ts"
import { longestChoice } from "../domain/Rules.ts"
import type { Grown } from "../ledger/LogQueue.ts"
import type { OpenLog, WaitingLeaf } from "../ledger/LogRows.ts"
import { Growth } from "./Growth.ts"
import { sha256 } from "./Hashes.ts"
import { shuffled } from "./Shuffle.ts"
import { type Naming, namingOf } from "./VoteLeaves.ts"

/** In polls with voters, so many new votes enter the log together: one at a time would tell who voted. */
const groupSize = 20

const Payload = {
  poll: Schema.NullOr(
    Schema.Struct({ decides: Schema.optionalKey(Schema.Boolean), tie_seed_hash: Schema.optionalKey(Schema.String) })
  ),
  close: Schema.Struct({ at: Schema.Number }),
  tokens: Schema.Struct({ made: Schema.Number }),
  final: Schema.Struct({
    at: Schema.Number,
    ballots: Schema.Number,
    abstained: Schema.Number,
    options: Schema.Array(Schema.Struct({ id: Schema.String, count: Schema.Number, sum: Schema.Number })),
    tie_seed: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
}
const readPoll = Schema.decodeUnknownSync(Payload.poll)
const readClose = Schema.decodeUnknownSync(Payload.close)
const readTokens = Schema.decodeUnknownSync(Payload.tokens)
const readFinal = Schema.decodeUnknownSync(Payload.final)

const timeOf = (ms: number): string => new Date(ms).toISOString()

/** Returns random bytes that are text too, which hashing takes sooner. */
export const makeSecret = (): Uint8Array => Buffer.from(randomBytes(24).toString("base64url"))

/** What one turn of the sequencer makes of a log. */
export class Draft {
  readonly log: OpenLog
  private readonly poll: Poll
  private readonly growth: Growth
  /** The votes' leaves that are still to be put in some order. */
  private loose: Array<WaitingLeaf>
  private tokens: number
  private opened: boolean
  private seed: Uint8Array | null
  /** The hash of the seed of the draws, which another one may have followed in the poll as it is now. */
  private tieSeedHash: string | undefined
  /** Whether the poll is to be told again, since what voters read of it has changed. */
  private reworded = false
  naming: Naming

  constructor(log: OpenLog, poll: Poll) {
    this.log = log
    this.poll = poll
    this.growth = new Growth(log)
    this.loose = [...log.waiting]
    this.tokens = log.tokens
    this.opened = log.opened
    this.seed = log.seed
    this.tieSeedHash = poll.tieSeedHash
    if (log.size === 0 && isHidden(poll)) this.seed = makeSecret()
    this.naming = this.makeNaming()
  }

  private makeNaming(): Naming {
    return namingOf({ secret: this.log.secret, seed: this.seed }, longestChoice(this.poll.options, this.poll.rules))
  }

  private placePoll(): void {
    this.reworded = false
    const former = this.growth.size === 0 ? this.log.former : null
    const { tieSeedHash, ...poll } = { ...this.poll, tieSeedHash: this.tieSeedHash }
    const leaf = pollLeaf(tieSeedHash === undefined ? poll : { ...poll, tieSeedHash }, {
      ...(this.seed === null ? {} : { seed: toHex(sha256(this.seed)) }),
      ...(former === null ? {} : { former })
    })
    this.growth.push(["", null, JSON.stringify(leaf)])
  }

  /** A log begins with the poll. */
  private begin(): void {
    if (this.growth.size === 0) this.placePoll()
  }

  private place(leaf: Leaf): void {
    this.begin()
    this.growth.push(["", null, JSON.stringify(leaf)])
  }

  /** Adds the leaf of a vote. */
  add(leaf: WaitingLeaf): void {
    this.begin()
    this.loose.push(leaf)
    // A group stays together. Others are shuffled within their bundles, so that a vote is found by its time.
    if (!this.isGrouped && this.loose.length >= tileWidth - (this.growth.size % tileWidth)) this.settle()
  }

  /** Puts the votes' leaves that are there into places. */
  private settle(): void {
    for (const leaf of shuffled(this.loose)) this.growth.push(leaf)
    this.loose = []
  }

  private get isGrouped(): boolean {
    return this.poll.identity !== "anyone" && !this.opened
  }

  /** Adds what has happened to the poll. */
  happened(kind: string, payload: unknown): void {
    if (kind === "poll") {
      const said = readPoll(payload)
      this.tieSeedHash = said?.tie_seed_hash ?? this.poll.tieSeedHash
      // The poll is told as it is now. A later edit may have changed what decides over votes: before that is told, those that it came
      // after must count no more in the log.
      this.reworded = true
      if (!said?.decides) return
      this.settle()
      this.placePoll()
    } else if (kind === "tokens") {
      this.tokens += readTokens(payload).made
      this.place({ v: 1, t: "tokens", made: this.tokens } satisfies TokensLeaf)
    } else if (kind === "close") {
      this.settle()
      this.place({ v: 1, t: "close", at: timeOf(readClose(payload).at) } satisfies CloseLeaf)
    } else if (kind === "reopen") {
      this.settle()
      if (this.opened && this.seed !== null) this.seed = makeSecret()
      this.opened = false
      this.naming = this.makeNaming()
      this.begin()
      this.tieSeedHash = readPoll(payload)?.tie_seed_hash ?? this.poll.tieSeedHash
      this.placePoll()
    } else if (kind === "final") this.end(payload)
  }

  private end(payload: unknown): void {
    this.settle()
    if (this.reworded) this.placePoll()
    const { abstained, at, ballots, options, tie_seed } = readFinal(payload)
    const opening = {
      ...(this.seed === null ? {} : { seed: toHex(this.seed) }),
      ...(tie_seed == null ? {} : { tie_seed })
    }
    if (Object.keys(opening).length > 0) this.place({ v: 1, t: "open", ...opening } satisfies OpenLeaf)
    const summed = this.poll.rules.kind === "score" || this.poll.rules.kind === "points"
    const shown = options.map(({ count, id, sum }) => ({ id, count, ...(summed ? { sum } : {}) }))
    this.place(resultLeaf(timeOf(at), ballots, abstained, shown))
    this.opened = true
  }

  /** Returns what the log becomes. */
  grown(): Grown {
    const ready = !this.isGrouped || this.loose.filter(([, ms]) => ms !== null).length >= groupSize
    if (ready) this.settle()
    if (this.reworded) this.placePoll()
    const { log, loose, opened, seed, tokens } = this
    const become = this.growth.size === log.size ? { root: log.root, size: log.size, tiles: [] } : this.growth.end()
    return { log, opened, seed, tokens, ...become, waiting: loose }
  }
}
