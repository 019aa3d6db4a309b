import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** The size of an array's head in PostgreSQL's binary form, in bytes. */
const headSize = 20
/** The size of the length that each element begins with, in bytes. */
const lengthSize = 4

/** Where the head's parts are in it. */
const head = { dimensions: 0, hasNulls: 4, elementOid: 8, length: 12, lowerBound: 16 } as const

/** Elements of one size, kept as PostgreSQL takes an array of them. Their bytes are used again for the next batch. */
export class ArrayColumn {
  private bytes: Buffer = Buffer.alloc(0)
  private view = new DataView(this.bytes.buffer)
  private readonly elementOid: number
  private readonly elementSize: number

  constructor(elementOid: number, elementSize: number) {
    this.elementOid = elementOid
    this.elementSize = elementSize
  }

  /** Makes room for so many elements; those that are there stay. */
  reserve(length: number): void {
    const size = headSize + length * (lengthSize + this.elementSize)
    if (size <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(size)
    this.bytes.copy(larger)
    this.bytes = larger
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size)
    this.view.setInt32(head.dimensions, 1)
    this.view.setInt32(head.hasNulls, 0)
    this.view.setInt32(head.elementOid, this.elementOid)
    this.view.setInt32(head.lowerBound, 1)
  }

  private at(index: number): number {
    return headSize + index * (lengthSize + this.elementSize) + lengthSize
  }

  /** Writes an element's length, and returns where the element itself belongs. */
  private begin(index: number): number {
    const at = this.at(index)
    this.view.setInt32(at - lengthSize, this.elementSize)
    return at
  }

  setInt32(index: number, value: number): void {
    this.view.setInt32(this.begin(index), value)
  }

  getInt32(index: number): number {
    return this.view.getInt32(this.at(index))
  }

  /** Writes a whole number of 64 bits, which is not negative and, as a `number`, exact. */
  setInt64(index: number, value: number | bigint): void {
    const at = this.begin(index)
    if (typeof value === "bigint") {
      this.view.setBigInt64(at, value)
    } else {
      this.view.setUint32(at, Math.floor(value / 2 ** 32))
      this.view.setUint32(at + 4, value)
    }
  }

  getNumber(index: number): number {
    const at = this.at(index)
    return this.view.getInt32(at) * 2 ** 32 + this.view.getUint32(at + 4)
  }

  getBigInt(index: number): bigint {
    return this.view.getBigInt64(this.at(index))
  }

  /**
   * Writes a UUID, whose text, in lower case and with dashes, begins at `start` in `text`. False where one of its digits is
   * none; the element has to be written again then.
   */
  setUuid(index: number, text: Uint8Array, start: number): boolean {
    const at = this.begin(index)
    let signs = 0
    for (let byte = 0; byte < uuidDigits.length; byte++) {
      const place = start + (uuidDigits[byte] ?? 0)
      const value = ((worth[text[place] ?? 0] ?? -1) << 4) | (worth[text[place + 1] ?? 0] ?? -1)
      signs |= value
      this.view.setUint8(at + byte, value)
    }
    return signs >= 0
  }

  /** Writes an element of bytes that are there as text in base64url, or zeros. */
  setBase64url(index: number, text: string | undefined): void {
    const at = this.begin(index)
    if (text === undefined) this.bytes.fill(0, at, at + this.elementSize)
    else this.bytes.write(text, at, this.elementSize, "base64url")
  }

  /** Reads such an element. */
  getBase64url(index: number): string {
    return this.bytes.toString("base64url", this.at(index), this.at(index) + this.elementSize)
  }

  getHex(index: number): string {
    return this.bytes.toString("hex", this.at(index), this.at(index) + this.elementSize)
  }

  /** Returns the first `length` elements as a parameter, whose client needs `arrayTypes`; good until the next is written. */
  parameter(length: number): PgTypes.Parameter {
    this.view.setInt32(head.length, length)
    return {
      [PgTypes.ParameterTypeId]: PgTypes.ParameterTypeId,
      oid: arrayOidOf(this.elementOid),
      value: this.bytes.subarray(0, this.at(length) - lengthSize)
    }
  }
}

/** Where the two digits of each byte are in the text of a UUID. */
const uuidDigits = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** What a hex digit is worth, by its character's code; -1 for all that are no digits in lower case. */
const worth = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) worth[digit.toString(16).charCodeAt(0)] = digit

const arrayOidOf = (elementOid: number): number => PgTypes.arrayOidFor(elementOid) ?? 0

/** PostgreSQL's number for the binary form. */
const binaryFormat = 1

/** Types for a PostgreSQL client: with them it also takes arrays that are in PostgreSQL's form already. */
export const arrayTypes: PgTypes.Registry = PgTypes.makeRegistry()
for (const elementOid of [PgTypes.OID.uuid, PgTypes.OID.int4, PgTypes.OID.int8]) {
  const oid = arrayOidOf(elementOid)
  arrayTypes.register<unknown>(oid, {
    encode: (value) => (value instanceof Uint8Array ? Result.succeed(value) : PgTypes.encode(value, oid)),
    decode: (bytes) => PgTypes.decode(bytes, oid, binaryFormat)
  })
}
