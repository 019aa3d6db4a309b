import { VoteColumns } from "../../ledger/VoteColumns.ts"
import type { Entry, EntryBatch } from "../EntryBatch.ts"
import { addVote } from "./VoteBytes.ts"

/** Types in Redis's protocol (RESP 3), as the bytes they begin with. */
const type = { array: 42, map: 37, null: 95, text: 36 } as const

const carriageReturn = 13

/** Usual room for a chunk and the beginning of an entry from before it, in bytes. */
const usualKept = 1 << 17

/** Whether an answer that begins so holds entries; any other is for the client to read. */
export const holdsEntries = (bytes: Buffer): boolean => bytes[0] === type.map

const unexpected = (bytes: Buffer, at: number) =>
  new Error(`Redis's answer has a byte ${bytes[at]} where an entry can't have it`)

/**
 * Reads the entries out of the bytes of XREADGROUP's answer for one stream: `%1 $name *entries`, each entry `*2 $id *texts`,
 * or `*2 $id _` where the stream no longer holds it. An entry that is a vote and nothing else becomes one without a step in
 * between: with the strings and arrays that a client makes of each, a consumer takes twice the time.
 */
export class EntryParser {
  /** The entries that were read; the same object holds those of later answers. */
  readonly batch = {
    ids: [] as Array<string>,
    votes: new VoteColumns(),
    others: [] as Array<Entry>
  } satisfies EntryBatch
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0
  /** The bytes that were not read yet, from the beginning of an entry on, and how many are needed to go on. */
  private kept = Buffer.allocUnsafe(usualKept)
  private keptLength = 0
  private wanted = 0
  /** How many entries the batch holds at the answer's end; undefined before its head was read. */
  private size: number | undefined
  /** How many texts the entry has beside its id; undefined before that was read. */
  private texts: number | undefined
  /** Whether the entry's beginning, `*2`, was read. */
  private begun = false
  /** Where each of the entry's texts begins and ends, the id first, and how many such bounds there are. */
  private readonly bounds: Array<number> = []
  private bound = 0

  /** Prepares for an answer. Its entries follow those of the last one where these are `kept`; else they are gone. */
  begin(kept = false): void {
    const { ids, others, votes } = this.batch
    if (!kept) {
      ids.length = 0
      votes.clear()
      others.length = 0
    }
    this.size = undefined
    this.texts = undefined
    this.begun = false
    this.bound = 0
    this.at = 0
    this.keptLength = 0
    this.wanted = 0
    if (this.kept.length > usualKept) this.kept = Buffer.allocUnsafe(usualKept)
  }

  /** Reads the next bytes of the answer. Returns the bytes behind its end once that has come, undefined until then. */
  take(chunk: Buffer): Buffer | undefined {
    this.bytes = chunk
    if (this.keptLength > 0) {
      this.keep(chunk, 0)
      if (this.keptLength < this.wanted) return undefined
      this.bytes = this.kept.subarray(0, this.keptLength)
    }
    const { bytes } = this
    const from = this.readAll()
    if (this.batch.ids.length === this.size) {
      // Whoever gets the bytes behind it may keep them, and `kept` is used again.
      return bytes === chunk ? chunk.subarray(from) : Buffer.from(bytes.subarray(from))
    }
    this.keptLength = 0
    this.keep(bytes, from)
    this.at -= from
    for (let index = 0; index < this.bound; index++) this.bounds[index] = (this.bounds[index] ?? 0) - from
    return undefined
  }

  private keep(bytes: Buffer, from: number): void {
    const length = this.keptLength + bytes.length - from
    if (length > this.kept.length) {
      const larger = Buffer.allocUnsafe(2 * length)
      this.kept.copy(larger, 0, 0, this.keptLength)
      bytes.copy(larger, this.keptLength, from)
      this.kept = larger
    } else {
      bytes.copy(this.kept, this.keptLength, from)
    }
    this.keptLength = length
  }

  /** Reads all entries that are complete; returns where the rest begins. */
  private readAll(): number {
    const { ids, votes } = this.batch
    this.wanted = 0
    let from = 0
    if (this.size === undefined) {
      const entries = this.readHead()
      if (entries === undefined) {
        this.at = 0
        return 0
      }
      this.size = ids.length + entries
      votes.reserve(this.size)
      from = this.at
    }
    while (ids.length < this.size) {
      if (!this.readEntry(from)) return from
      this.begun = false
      this.texts = undefined
      this.bound = 0
      from = this.at
    }
    return from
  }

  private readHead(): number | undefined {
    this.bound = 0
    const complete = this.readSize(type.map) !== undefined && this.readText(0)
    this.bound = 0
    return complete ? this.readSize(type.array) : undefined
  }

  /** Reads the entry that begins at `from`. False where it is not complete; the next try goes on where this one ended. */
  private readEntry(from: number): boolean {
    this.begun ||= this.readSize(type.array) !== undefined
    if (!this.begun || (this.bound === 0 && !this.readText(from))) return false
    if (this.texts === undefined) {
      if (this.bytes[this.at] === type.null) {
        if (this.at + 3 > this.bytes.length) return false
        this.at += 3
        this.addOther(null)
        return true
      }
      this.texts = this.readSize(type.array)
      if (this.texts === undefined) return false
    }
    const { texts } = this
    while (this.bound < 2 * (texts + 1)) if (!this.readText(from)) return false
    if (addVote(this.bytes, this.bounds, texts, this.batch.votes)) {
      this.batch.ids.push(this.bytes.toString("latin1", this.bounds[0], this.bounds[1]))
    } else {
      this.addOther(Array.from({ length: texts }, (_, index) => this.textAt(index + 1)))
    }
    return true
  }

  private addOther(fields: Entry["fields"]): void {
    const id = this.textAt(0)
    this.batch.ids.push(id)
    this.batch.others.push({ id, fields })
  }

  /** Reads the number behind a type, as in `*12\r\n`; undefined where it is not complete. */
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

  /** Reads a text, as in `$4\r\ncats\r\n`, and keeps its bounds. False where it is not complete. */
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
}
