import { slugPattern } from "../domain/Poll.ts"
import { voteIdPattern, voterPattern } from "../domain/Vote.ts"
import type { ReadVote } from "./Entry.ts"

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

/** The vote, where an entry is one of version 1 and nothing else; what is not clear at once is for others to judge. */
export const voteIn = (bytes: Buffer, bounds: Bounds, texts: number): ReadVote | undefined => {
  if (texts !== layout.length && texts !== layout.length - 2) return undefined
  for (let index = 0; index < texts; index++) {
    const wanted = layout[index]
    if (wanted && !isAt(bytes, startOf(bounds, index + 1), endOf(bounds, index + 1), wanted)) return undefined
  }
  const [start, end] = [startOf(bounds, text.id), endOf(bounds, text.id)]
  let middle = start
  while (middle < end && bytes[middle] !== dash) middle++
  const ms = numberAt(bytes, start, middle)
  const seq = numberAt(bytes, middle + 1, end)
  const castAt = numberAt(bytes, startOf(bounds, text.castAt), endOf(bounds, text.castAt))
  const poll = slugAt(bytes, startOf(bounds, text.poll), endOf(bounds, text.poll))
  const option = slugAt(bytes, startOf(bounds, text.option), endOf(bounds, text.option))
  if (ms === undefined || seq === undefined || castAt === undefined || poll === undefined || option === undefined) {
    return undefined
  }
  const voteId = bytes.toString("latin1", startOf(bounds, text.voteId), endOf(bounds, text.voteId))
  if (!voteIdPattern.test(voteId)) return undefined
  const id = bytes.toString("latin1", start, end)
  const vote = { id, voteId, poll, option, castAt, ms: BigInt(ms), seq: BigInt(seq) }
  if (texts < layout.length) return vote
  const voter = bytes.toString("latin1", startOf(bounds, text.voter), endOf(bounds, text.voter))
  return voterPattern.test(voter) ? { ...vote, voter } : undefined
}

const isAt = (bytes: Buffer, start: number, end: number, wanted: Buffer): boolean => {
  if (end - start !== wanted.length) return false
  for (let index = 0; index < wanted.length; index++) if (bytes[start + index] !== wanted[index]) return false
  return true
}

const numberAt = (bytes: Buffer, start: number, end: number): number | undefined => {
  if (end <= start || end - start > mostDigits) return undefined
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return undefined
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
