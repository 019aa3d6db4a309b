import { type FlatRules, rulesOf } from "../Rules.ts"
import { concat, fromHex, toBase64url, utf8 } from "./Bytes.ts"
import type { Sha256 } from "./Sha256.ts"

/*
 * What a log's leaves say. Their bytes are JSON in this order of fields, without spaces; of a reader's, too, since a leaf that is
 * written in another way is none of ours.
 */

/** Leaf 0, and one after each edit: the poll. */
export interface PollLeaf extends FlatRules {
  readonly v: 1
  readonly t: "poll"
  readonly slug: string
  readonly title: string
  readonly description?: string
  readonly options: ReadonlyArray<{ readonly id: string; readonly label: string }>
  readonly abstain?: boolean
  readonly ballot: string
  readonly identity: string
  readonly results: string
  readonly challenge?: string
  readonly opens_at?: string
  readonly closes_at?: string
  /** The SHA-256, in hex, of what draws come from, where the poll is ranked. */
  readonly tie_seed_hash?: string
  /** The SHA-256, in hex, of the seed that opens the choices of the votes that follow, where they are hidden. */
  readonly seed?: string
  /** The last checkpoint of the log before this one, which was given up. */
  readonly former?: string
}

/** Whether two leaves of a poll agree in what a vote may say, who votes and which vote counts, which is settled by its first vote. */
export const areRulesKept = (a: PollLeaf, b: PollLeaf): boolean => {
  const rules = ({ options, ...leaf }: PollLeaf) => {
    const { abstain = false, ballot, identity } = leaf
    return JSON.stringify([rulesOf({ ...leaf, options }), abstain, options.map(({ id }) => id), ballot, identity])
  }
  return rules(a) === rules(b)
}

/** What becomes of a vote. */
export type Fate = "counted" | "superseded" | "rejected" | "dead"

/** A vote that counts, or what has become of one. */
export interface VoteLeaf {
  readonly v: 1
  /** Names the vote, which only who keeps the log can tell. */
  readonly id: string
  /** Its choice, or what hides it; neither in a leaf that only says what has become of the vote. */
  readonly o?: string
  readonly c?: string
  readonly s: Fate
  /** Ties it to the idempotency key that it came with. */
  readonly n?: string
}

/** How many voters' links and tokens were made until now. */
export interface TokensLeaf {
  readonly v: 1
  readonly t: "tokens"
  readonly made: number
}

/** The time that the poll closes at, or has closed, where that is changed; RFC 3339. */
export interface CloseLeaf {
  readonly v: 1
  readonly t: "close"
  readonly at: string
}

/** The seeds that open what was hidden, in hex. */
export interface OpenLeaf {
  readonly v: 1
  readonly t: "open"
  readonly seed?: string
  readonly tie_seed?: string
}

/** The final result. */
export interface ResultLeaf {
  readonly v: 1
  readonly t: "result"
  readonly final: string
  readonly ballots: number
  readonly abstained: number
  /** In the poll's order; `sum` of points or scores. */
  readonly options: ReadonlyArray<{ readonly id: string; readonly count: number; readonly sum?: number }>
}

export type Leaf = PollLeaf | VoteLeaf | TokensLeaf | CloseLeaf | OpenLeaf | ResultLeaf

/** Returns the text of the leaf of a vote that is new, which says its choice openly (`o`) or hidden (`c`); its parts need no escaping. */
export const voteLeaf = (id: string, field: "o" | "c", said: string, fate: Fate, n?: string): string =>
  `{"v":1,"id":"${id}","${field}":"${said}","s":"${fate}"${n === undefined ? "" : `,"n":"${n}"`}}`

/** Returns the text of the leaf that says what has become of a vote. */
export const fateLeaf = (id: string, fate: Fate): string => `{"v":1,"id":"${id}","s":"${fate}"}`

/** The bytes of a hash that name a vote: enough that no two are the same. */
const short = (hash: Sha256, ...parts: ReadonlyArray<Uint8Array>): string =>
  toBase64url(hash(concat(...parts)).subarray(0, 16))

/** Returns a vote's `id` in a log, by the poll's secret. */
export const leafId = (hash: Sha256, secret: Uint8Array, voteId: string): string => short(hash, secret, utf8(voteId))

/** Returns what ties a vote to its idempotency key: the leaf's `n`. */
export const leafKeyProof = (hash: Sha256, voteId: string, key: string): string => short(hash, utf8(`${voteId}${key}`))

/** Returns the key that hides the choice of the vote `id`, by the poll's seed. */
export const choiceKey = (hash: Sha256, seed: Uint8Array, id: string): Uint8Array => hash(concat(seed, utf8(id)))

/**
 * Hides a choice, or opens a hidden one, with the vote's key: each byte is exclusively or'ed with one of SHA-256(key, 0),
 * SHA-256(key, 1) and so on. The key follows from a seed that the poll leaf commits to, so it opens as one choice only; and
 * unlike a hash of the choice, it opens without trying all that a vote could say.
 */
const mask = (hash: Sha256, key: Uint8Array, bytes: Uint8Array): Uint8Array => {
  const masked = Uint8Array.from(bytes)
  for (let block = 0; block * 32 < bytes.length; block++) {
    const stream = hash(concat(key, Uint8Array.of(block)))
    for (let at = block * 32; at < Math.min(bytes.length, block * 32 + 32); at++) {
      masked[at] = (bytes[at] ?? 0) ^ (stream[at % 32] ?? 0)
    }
  }
  return masked
}

/**
 * Returns a leaf's `c`. All of a poll are as long as its longest choice, in units of 16 bytes: their length tells nothing. Only one
 * that was a choice before the poll was changed, and was rejected, can be longer.
 */
export const hideChoice = (hash: Sha256, key: Uint8Array, choice: string, longest: number): string => {
  const bytes = utf8(choice)
  const padded = new Uint8Array(16 * Math.max(1, Math.ceil(Math.max(longest, bytes.length) / 16)))
  padded.set(bytes)
  return toBase64url(mask(hash, key, padded))
}

/** Returns the choice that a leaf's `c` hides, given its bytes; of another key, any text. */
export const openChoice = (hash: Sha256, key: Uint8Array, hidden: Uint8Array): string =>
  String.fromCharCode(...mask(hash, key, hidden)).replace(/\0+$/, "")

/** Returns whether a seed is the one that a hash in a poll's leaf commits to; both in hex. */
export const isSeedOf = (hash: Sha256, seed: string, committed: string): boolean => {
  const [bytes, wanted] = [fromHex(seed), fromHex(committed)]
  return bytes !== undefined && wanted !== undefined && hash(bytes).every((byte, at) => byte === wanted[at])
}
