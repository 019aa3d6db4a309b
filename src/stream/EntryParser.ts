import { slugPattern } from "../domain/Poll.ts"
import { voteIdPattern, voterPattern } from "../domain/Vote.ts"
import type { Entry, ReadVote } from "./Entry.ts"

/** Types in Redis's protocol (RESP 3), as the bytes they begin with. */
const type = { array: 42, map: 37, null: 95, text: 36 } as const

const carriageReturn = 13
const dash = 45
/** Numbers of so many digits are exact. */
const mostDigits = 15

/** The fields of an entry that is nothing but a vote, as `encodeVote` writes them; null is a value. */
const layout = ["v", "1", "vote_id", null, "poll", null, "option", null, "cast_at", null, "voter", null]
const expected = layout.map((text) => (text === null ? null : Buffer.from(text)))

/** Polls and options that were read lately, by a hash of their bytes: there are few, and each vote has two. */
const slugs = new Array<string>(256).fill("")

/** Whether it is the start of an answer that holds entries; another one is for the client to read. */
export const holdsEntries = (bytes: Buffer): boolean => bytes[0] === type.map

/**
 * Reads the entries out of the bytes of XREADGROUP's answer, of one stream: `%1 $name *entries`, each of them
 * `*2 $id *texts`, or `*2 $id _` where the stream no longer holds it. What is a vote and nothing else becomes one without
 * a step in between; with an array of strings for each, which a client makes, a consumer takes twice the time.
 */
export class EntryParser {
  readonly entries: Array<Entry> = []
  /** What was not read yet, from the beginning of an entry. */
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0
  /** Chunks that are waiting for one more, and how many bytes have to be there for it to be worth a look. */
  private readonly chunks: Array<Buffer> = []
  private waiting = 0
  private wanted = 0
  /** Entries in the answer; undefined before its head was read. */
  private size: number | undefined
  /** Texts in the entry, its id not among them; undefined before it is known. */
  private texts: number | undefined
  private begun = false
  /** Where each of the entry's texts begins and ends, the id first, and how many bounds that is. */
  private readonly bounds: Array<number> = []
  private bound = 0
  /** The last number that was made a BigInt: in a burst, a ms has many votes. */
  private ms = 0
  private bigMs = 0n

  /** Takes the next bytes of the answer. Gives those behind its end, once it is there; undefined until then. */
  take(chunk: Buffer): Buffer | undefined {
    this.chunks.push(chunk)
    this.waiting += chunk.length
    if (this.waiting < this.wanted) return undefined
    this.bytes = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks)
    const from = this.readAll()
    const rest = this.bytes.subarray(from)
    if (this.entries.length === this.size) return rest
    this.chunks.splice(0, Number.POSITIVE_INFINITY, rest)
    this.waiting = rest.length
    this.at -= from
    for (let index = 0; index < this.bound; index++) this.bounds[index] = (this.bounds[index] ?? 0) - from
    return undefined
  }

  /** Reads as many entries as there are; gives where what is left begins. */
  private readAll(): number {
    this.wanted = 0
    let from = 0
    if (this.size === undefined) {
      this.size = this.readHead()
      if (this.size === undefined) {
        this.at = 0
        return 0
      }
      from = this.at
    }
    while (this.entries.length < this.size) {
      const entry = this.readEntry(from)
      if (entry === undefined) return from
      this.entries.push(entry)
      this.begun = false
      this.texts = undefined
      this.bound = 0
      from = this.at
    }
    return from
  }

  private readHead(): number | undefined {
    this.bound = 0
    const whole = this.readSize(type.map) !== undefined && this.readText(0)
    this.bound = 0
    return whole ? this.readSize(type.array) : undefined
  }

  /** The entry that begins at `from`; undefined when it is not there to its end. What was read of it stays read. */
  private readEntry(from: number): Entry | undefined {
    this.begun ||= this.readSize(type.array) !== undefined
    if (!this.begun || (this.bound === 0 && !this.readText(from))) return undefined
    if (this.texts === undefined) {
      if (this.bytes[this.at] === type.null) {
        if (this.at + 3 > this.bytes.length) return undefined
        this.at += 3
        return { id: this.textAt(0), fields: null }
      }
      this.texts = this.readSize(type.array)
      if (this.texts === undefined) return undefined
    }
    while (this.bound < 2 * (this.texts + 1)) if (!this.readText(from)) return undefined
    return this.voteOf(this.texts) ?? this.rawOf(this.texts)
  }

  /** The number behind a type, as in `*12\r\n`; undefined when it is not there to its end. */
  private readSize(of: number): number | undefined {
    const { bytes } = this
    if (this.at < bytes.length && bytes[this.at] !== of) {
      throw new Error(`Redis's answer has a byte ${bytes[this.at]} where ${of} was to be`)
    }
    let size = 0
    for (let at = this.at + 1; at + 1 < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte === carriageReturn) {
        this.at = at + 2
        return size
      }
      size = size * 10 + byte - 48
    }
    return undefined
  }

  /** Whether there is a whole text, as in `$4\r\ncats\r\n`; then its bounds are kept. */
  private readText(from: number): boolean {
    const before = this.at
    const length = this.readSize(type.text)
    if (length === undefined) return false
    const end = this.at + length
    if (end + 2 > this.bytes.length) {
      this.at = before
      this.wanted = end + 2 - from
      return false
    }
    this.bounds[this.bound] = this.at
    this.bounds[this.bound + 1] = end
    this.bound += 2
    this.at = end + 2
    return true
  }

  private start(text: number): number {
    return this.bounds[2 * text] ?? 0
  }

  private end(text: number): number {
    return this.bounds[2 * text + 1] ?? 0
  }

  private textAt(text: number): string {
    return this.bytes.toString("utf8", this.start(text), this.end(text))
  }

  private rawOf(texts: number): Entry {
    return { id: this.textAt(0), fields: Array.from({ length: texts }, (_, index) => this.textAt(index + 1)) }
  }

  /** The vote, where the entry is one of version 1 and nothing else; what is not clear at once is for others to judge. */
  private voteOf(texts: number): ReadVote | undefined {
    if (texts !== layout.length && texts !== layout.length - 2) return undefined
    for (let index = 0; index < texts; index++) {
      const text = expected[index]
      if (text && !this.isAt(index + 1, text)) return undefined
    }
    const [start, end] = [this.start(0), this.end(0)]
    let middle = start
    while (middle < end && this.bytes[middle] !== dash) middle++
    const ms = this.numberAt(start, middle)
    const seq = this.numberAt(middle + 1, end)
    const voteId = this.bytes.toString("latin1", this.start(4), this.end(4))
    const poll = this.slugAt(6)
    const option = this.slugAt(8)
    const castAt = this.numberAt(this.start(10), this.end(10))
    if (ms === undefined || seq === undefined || castAt === undefined || poll === undefined || option === undefined) {
      return undefined
    }
    if (!voteIdPattern.test(voteId)) return undefined
    if (ms !== this.ms) {
      this.ms = ms
      this.bigMs = BigInt(ms)
    }
    const id = this.bytes.toString("latin1", start, end)
    if (texts < layout.length) return { id, voteId, poll, option, castAt, ms: this.bigMs, seq: BigInt(seq) }
    const voter = this.bytes.toString("latin1", this.start(12), this.end(12))
    if (!voterPattern.test(voter)) return undefined
    return { id, voteId, poll, option, castAt, voter, ms: this.bigMs, seq: BigInt(seq) }
  }

  private isAt(text: number, expected: Buffer): boolean {
    const start = this.start(text)
    if (this.end(text) - start !== expected.length) return false
    for (let index = 0; index < expected.length; index++) {
      if (this.bytes[start + index] !== expected[index]) return false
    }
    return true
  }

  private numberAt(start: number, end: number): number | undefined {
    if (end <= start || end - start > mostDigits) return undefined
    let number = 0
    for (let at = start; at < end; at++) {
      const digit = (this.bytes[at] ?? 0) - 48
      if (digit < 0 || digit > 9) return undefined
      number = number * 10 + digit
    }
    return number
  }

  private slugAt(text: number): string | undefined {
    const { bytes } = this
    const [start, end] = [this.start(text), this.end(text)]
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
}
