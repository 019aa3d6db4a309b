import { slugPattern } from "../../domain/Poll.ts"
import { voterPattern } from "../../domain/Vote.ts"
import type { VoteColumns } from "../../ledger/VoteColumns.ts"
import { placeOf, plainLayout } from "../../stream/VoteEntry.ts"

const dash = 45
/** Numbers of up to so many digits are exact. */
const maxDigits = 15

/** Where each text of an entry begins and ends, in turn; its id comes first. */
type Bounds = ReadonlyArray<number>

const startOf = (bounds: Bounds, text: number): number => bounds[2 * text] ?? 0
const endOf = (bounds: Bounds, text: number): number => bounds[2 * text + 1] ?? 0

const layout = plainLayout.map((text) => (text === null ? null : Buffer.from(text)))

/** Which of an entry's texts is what. */
const text = {
  id: 0,
  voteId: placeOf("vote_id"),
  poll: placeOf("poll"),
  option: placeOf("option"),
  castAt: placeOf("cast_at"),
  voter: placeOf("voter")
}

/**
 * Adds the vote that an entry holds, if it is one in the version and order that we write and nothing else; returns whether it
 * was. Whether any other entry is a vote, `decodeVote` has to tell.
 */
export const addVote = (bytes: Buffer, bounds: Bounds, texts: number, votes: VoteColumns): boolean => {
  if (texts !== layout.length && texts !== layout.length - 2) return false
  for (let index = 0; index < texts; index++) {
    const wanted = layout[index]
    if (wanted && !isAt(bytes, startOf(bounds, index + 1), endOf(bounds, index + 1), wanted)) return false
  }
  const [start, end] = [startOf(bounds, text.id), endOf(bounds, text.id)]
  let middle = start
  while (middle < end && bytes[middle] !== dash) middle++
  const ms = numberAt(bytes, start, middle)
  const seq = numberAt(bytes, middle + 1, end)
  const castAt = numberAt(bytes, startOf(bounds, text.castAt), endOf(bounds, text.castAt))
  if (ms < 0 || seq < 0 || castAt < 0) return false
  const poll = slugAt(bytes, startOf(bounds, text.poll), endOf(bounds, text.poll))
  const option = slugAt(bytes, startOf(bounds, text.option), endOf(bounds, text.option))
  if (poll === undefined || option === undefined) return false
  if (!readVoteId(bytes, startOf(bounds, text.voteId), endOf(bounds, text.voteId))) return false
  let voter: string | undefined
  if (texts === layout.length) {
    voter = bytes.toString("latin1", startOf(bounds, text.voter), endOf(bounds, text.voter))
    if (!voterPattern.test(voter)) return false
  }
  votes.addValues(voteId, poll, option, ms, seq, castAt, voter)
  return true
}

/** Where the two digits of each byte are in a UUID as text, and where its dashes are. */
const digits = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const dashes = [8, 13, 18, 23]
const idLength = 36

/** What a hex digit is worth, by its character's code; -1 for all that are no digits in lower case. */
const worth = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) worth[digit.toString(16).charCodeAt(0)] = digit

/** The identity that was read last. */
const voteId = new Uint8Array(16)

/** Reads a vote's identity into `voteId`; returns false where it does not match `voteIdPattern`. */
const readVoteId = (bytes: Buffer, start: number, end: number): boolean => {
  if (end - start !== idLength) return false
  for (const at of dashes) if (bytes[start + at] !== dash) return false
  let signs = 0
  for (let byte = 0; byte < voteId.length; byte++) {
    const place = start + (digits[byte] ?? 0)
    const value = ((worth[bytes[place] ?? 0] ?? -1) << 4) | (worth[bytes[place + 1] ?? 0] ?? -1)
    signs |= value
    voteId[byte] = value
  }
  // All digits, version 7, and the variant of all such UUIDs.
  return signs >= 0 && (voteId[6] ?? 0) >> 4 === 7 && (voteId[8] ?? 0) >> 6 === 2
}

const isAt = (bytes: Buffer, start: number, end: number, wanted: Buffer): boolean => {
  if (end - start !== wanted.length) return false
  for (let index = 0; index < wanted.length; index++) if (bytes[start + index] !== wanted[index]) return false
  return true
}

/** Reads a number that is there as digits; returns -1 where there is none, or one that is not exact. */
const numberAt = (bytes: Buffer, start: number, end: number): number => {
  if (end <= start || end - start > maxDigits) return -1
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

/** The polls and options that were read lately, by a hash of their bytes: there are few, and each vote has one of each. */
const slugs = new Array<string>(256).fill("")

/** Reads the id of a poll or an option; returns undefined where the text is none. */
const slugAt = (bytes: Buffer, start: number, end: number): string | undefined => {
  const length = end - start
  const place = (31 * (bytes[start] ?? 0) + 7 * (bytes[end - 1] ?? 0) + length) % slugs.length
  const known = slugs[place] ?? ""
  let same = 0
  if (known.length === length) while (same < length && bytes[start + same] === known.charCodeAt(same)) same++
  if (same === length && length > 0) return known
  const slug = bytes.toString("latin1", start, end)
  if (!slugPattern.test(slug)) return undefined
  slugs[place] = slug
  return slug
}
