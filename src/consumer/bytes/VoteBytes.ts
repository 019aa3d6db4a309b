import { slugPattern } from "../../domain/Poll.ts"
import { voterPattern } from "../../domain/Vote.ts"
import type { ArrayColumn } from "../../ledger/ArrayColumn.ts"
import type { VoteColumns } from "../../ledger/VoteColumns.ts"

const dash = 45
/** Numbers of so many digits are exact. */
const mostDigits = 15

/** Where the texts of an entry begin and end, in turn, the id first. */
type Bounds = ReadonlyArray<number>

const startOf = (bounds: Bounds, text: number): number => bounds[2 * text] ?? 0
const endOf = (bounds: Bounds, text: number): number => bounds[2 * text + 1] ?? 0

/** The fields of an entry that is nothing but a vote, as `encodeVote` writes them; null is a value. */
const layout = ["v", "1", "vote_id", null, "poll", null, "option", null, "cast_at", null, "voter", null].map((text) =>
  text === null ? null : Buffer.from(text)
)
/** Which of an entry's texts is what. */
const text = { id: 0, voteId: 4, poll: 6, option: 8, castAt: 10, voter: 12 } as const

/**
 * Adds the vote that an entry is, where it is one of version 1 and nothing else, and says whether it was; what is not clear
 * at once is for others to judge.
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
  const idStart = startOf(bounds, text.voteId)
  if (!writeVoteId(bytes, idStart, endOf(bounds, text.voteId), votes.voteIds, votes.length)) return false
  let voter: string | undefined
  if (texts === layout.length) {
    voter = bytes.toString("latin1", startOf(bounds, text.voter), endOf(bounds, text.voter))
    if (!voterPattern.test(voter)) return false
  }
  votes.addNext(poll, option, ms, seq, castAt, voter)
  return true
}

/** Where the two digits of each byte are in a UUID as text, and where its dashes. */
const digits = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const dashes = [8, 13, 18, 23]
const idLength = 36

/** Writes a vote's identity into its column; false where there is none, by what `voteIdPattern` says. */
const writeVoteId = (bytes: Buffer, start: number, end: number, column: ArrayColumn, index: number): boolean => {
  if (end - start !== idLength) return false
  for (const at of dashes) if (bytes[start + at] !== dash) return false
  if (!column.setDigits(index, bytes, start, digits)) return false
  // Version 7, and the variant of all such UUIDs.
  return column.getByte(index, 6) >> 4 === 7 && column.getByte(index, 8) >> 6 === 2
}

const isAt = (bytes: Buffer, start: number, end: number, wanted: Buffer): boolean => {
  if (end - start !== wanted.length) return false
  for (let index = 0; index < wanted.length; index++) if (bytes[start + index] !== wanted[index]) return false
  return true
}

/** The number that is there in digits; -1 where there is none, or one that is not exact. */
const numberAt = (bytes: Buffer, start: number, end: number): number => {
  if (end <= start || end - start > mostDigits) return -1
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

/** Polls and options that were read lately, by a hash of their bytes: there are few, and each vote has two. */
const slugs = new Array<string>(256).fill("")

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
