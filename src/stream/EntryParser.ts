import type { Entry } from "./Entry.ts"
import { voteIn } from "./VoteBytes.ts"

/** Types in Redis's protocol (RESP 3), as the bytes they begin with. */
const type = { array: 42, map: 37, null: 95, text: 36 } as const

const carriageReturn = 13

/** Whether it is the start of an answer that holds entries; another one is for the client to read. */
export const holdsEntries = (bytes: Buffer): boolean => bytes[0] === type.map

const unexpected = (bytes: Buffer, at: number) =>
  new Error(`Redis's answer has a byte ${bytes[at]} where an entry can't have it`)

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
    return voteIn(this.bytes, this.bounds, this.texts) ?? this.rawOf(this.texts)
  }

  /** The number behind a type, as in `*12\r\n`; undefined when it is not there to its end. */
  private readSize(of: number): number | undefined {
    const { bytes } = this
    if (this.at < bytes.length && bytes[this.at] !== of) throw unexpected(bytes, this.at)
    let size = 0
    for (let at = this.at + 1; at + 1 < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte === carriageReturn) {
        this.at = at + 2
        return size
      }
      if (byte < 48 || byte > 57) throw unexpected(bytes, at)
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

  private textAt(text: number): string {
    return this.bytes.toString("utf8", this.bounds[2 * text], this.bounds[2 * text + 1])
  }

  private rawOf(texts: number): Entry {
    return { id: this.textAt(0), fields: Array.from({ length: texts }, (_, index) => this.textAt(index + 1)) }
  }
}
