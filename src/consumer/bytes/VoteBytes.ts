import { choicePattern } from "../../domain/Choice.ts"
import { slugPattern } from "../../domain/OptionIds.ts"
import { halfHashPattern, voterPattern } from "../../domain/Vote.ts"
import type { VoteColumns } from "../../ledger/VoteColumns.ts"
import { placeOf, plainLayout, plainOptional } from "../../stream/VoteEntry.ts"

/** Characters as bytes. */
const char = { dash: 45, seven: 55, eight: 56, nine: 57, a: 97, b: 98 } as const
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
  castAt: placeOf("cast_at")
}

const optional = plainOptional.map((name) => ({ name, bytes: Buffer.from(name) }))

/**
 * Adds the vote that an entry holds, if it is one in the version and order that we write and nothing else; returns whether it
 * was. Whether any other entry is a vote, `decodeVote` has to tell.
 */
export const addVote = (bytes: Buffer, bounds: Bounds, texts: number, votes: VoteColumns): boolean => {
  if (texts < layout.length) return false
  for (let index = 0; index < layout.length; index++) {
    const wanted = layout[index]
    if (wanted && !isAt(bytes, startOf(bounds, index + 1), endOf(bounds, index + 1), wanted)) return false
  }
  let voterText = 0
  let proofText = 0
  let last = layout.length
  for (const { bytes: name, name: field } of optional) {
    if (last === texts || !isAt(bytes, startOf(bounds, last + 1), endOf(bounds, last + 1), name)) continue
    last += 2
    if (field === "voter") voterText = last
    else proofText = last
  }
  if (last !== texts) return false
  const [start, end] = [startOf(bounds, text.id), endOf(bounds, text.id)]
  let middle = start
  while (middle < end && bytes[middle] !== char.dash) middle++
  const ms = numberAt(bytes, start, middle)
  const seq = numberAt(bytes, middle + 1, end)
  const castAt = numberAt(bytes, startOf(bounds, text.castAt), endOf(bounds, text.castAt))
  if (ms < 0 || seq < 0 || castAt < 0) return false
  const poll = knownAt(bytes, startOf(bounds, text.poll), endOf(bounds, text.poll), polls)
  const choice = knownAt(bytes, startOf(bounds, text.option), endOf(bounds, text.option), choices)
  if (poll === undefined || choice === undefined) return false
  const idStart = startOf(bounds, text.voteId)
  if (!isShapedLikeVoteId(bytes, idStart, endOf(bounds, text.voteId))) return false
  let voter: string | undefined
  if (voterText > 0) {
    voter = bytes.toString("latin1", startOf(bounds, voterText), endOf(bounds, voterText))
    if (!voterPattern.test(voter)) return false
  }
  let n: string | undefined
  if (proofText > 0) {
    n = bytes.toString("latin1", startOf(bounds, proofText), endOf(bounds, proofText))
    if (!halfHashPattern.test(n)) return false
  }
  return votes.addValues(bytes, idStart, poll, choice, ms, seq, castAt, voter, n)
}

const idLength = 36
/** Where a UUID as text has its dashes, its version and its variant. */
const dashes = [8, 13, 18, 23]
const version = 14
const variant = 19

/** Whether a text can be a vote's identity, by all that `voteIdPattern` asks but for its hex digits. */
const isShapedLikeVoteId = (bytes: Buffer, start: number, end: number): boolean => {
  if (end - start !== idLength || bytes[start + version] !== char.seven) return false
  for (const at of dashes) if (bytes[start + at] !== char.dash) return false
  const digit = bytes[start + variant]
  return digit === char.eight || digit === char.nine || digit === char.a || digit === char.b
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

/** Texts of a pattern that were read lately, by a hash of their bytes. */
interface Known {
  readonly pattern: RegExp
  readonly texts: Array<string>
}

/** The polls and choices that were read lately: mostly there are few, and each vote has one of each. */
const polls: Known = { pattern: slugPattern, texts: new Array<string>(4_096).fill("") }
const choices: Known = { pattern: choicePattern, texts: new Array<string>(4_096).fill("") }

/** Reads a text; returns undefined where it is not of the pattern. */
const knownAt = (bytes: Buffer, start: number, end: number, { pattern, texts }: Known): string | undefined => {
  const length = end - start
  // Names of many polls mostly differ at their ends. What is before a short text may be any byte.
  const ending = 7 * (bytes[end - 1] ?? 0) + 67 * (bytes[end - 2] ?? 0) + 641 * (bytes[end - 3] ?? 0)
  const place = (31 * (bytes[start] ?? 0) + ending + length) % texts.length
  const known = texts[place] ?? ""
  let same = 0
  if (known.length === length) while (same < length && bytes[start + same] === known.charCodeAt(same)) same++
  if (same === length && length > 0) return known
  const read = bytes.toString("latin1", start, end)
  if (!pattern.test(read)) return undefined
  texts[place] = read
  return read
}
