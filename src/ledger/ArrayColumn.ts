import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** What an array begins with in PostgreSQL's binary form, in bytes. */
const headSize = 20
/** How an element begins: with its length. */
const lengthSize = 4

/** Where things are in the head. */
const head = { dimensions: 0, hasNulls: 4, elementOid: 8, length: 12, lowerBound: 16 } as const

/** Elements of one size, written as PostgreSQL takes an array of them, and used again and again. */
export class ArrayColumn {
  private bytes: Buffer = Buffer.alloc(0)
  private view = new DataView(this.bytes.buffer)
  private readonly elementOid: number
  private readonly elementSize: number

  constructor(elementOid: number, elementSize: number) {
    this.elementOid = elementOid
    this.elementSize = elementSize
  }

  /** Makes room for so many elements; where there was less, all that was there is gone. */
  reserve(length: number): void {
    const size = headSize + length * (lengthSize + this.elementSize)
    if (size <= this.bytes.length) return
    this.bytes = Buffer.allocUnsafe(size)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size)
    this.view.setInt32(head.dimensions, 1)
    this.view.setInt32(head.hasNulls, 0)
    this.view.setInt32(head.elementOid, this.elementOid)
    this.view.setInt32(head.lowerBound, 1)
  }

  private at(index: number): number {
    return headSize + index * (lengthSize + this.elementSize) + lengthSize
  }

  /** Where an element is to be written; its length is. */
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

  /** Writes a whole number of 64 bits that is exact, and not negative. */
  setNumber(index: number, value: number): void {
    const at = this.begin(index)
    this.view.setUint32(at, Math.floor(value / 2 ** 32))
    this.view.setUint32(at + 4, value)
  }

  getNumber(index: number): number {
    const at = this.at(index)
    return this.view.getInt32(at) * 2 ** 32 + this.view.getUint32(at + 4)
  }

  setBigInt(index: number, value: bigint): void {
    this.view.setBigInt64(this.begin(index), value)
  }

  getBigInt(index: number): bigint {
    return this.view.getBigInt64(this.at(index))
  }

  setHex(index: number, hex: string): void {
    this.bytes.write(hex, this.begin(index), "hex")
  }

  getHex(index: number): string {
    return this.bytes.toString("hex", this.at(index), this.at(index) + this.elementSize)
  }

  /**
   * Writes bytes that are there as hex digits, two of them at each of `digits`, counted from `start`. False where one is no
   * digit in lower case; then the element is to be written anew.
   */
  setDigits(index: number, from: Uint8Array, start: number, digits: ReadonlyArray<number>): boolean {
    const at = this.begin(index)
    let wrong = 0
    for (let byte = 0; byte < digits.length; byte++) {
      const place = start + (digits[byte] ?? 0)
      const value = ((worth[from[place] ?? 0] ?? -1) << 4) | (worth[from[place + 1] ?? 0] ?? -1)
      wrong |= value
      this.view.setUint8(at + byte, value)
    }
    return wrong >= 0
  }

  /** A byte of an element. */
  getByte(index: number, byte: number): number {
    return this.view.getUint8(this.at(index) + byte)
  }

  /** The first `length` elements as a parameter, whose client needs `arrayTypes`; good until the next is written. */
  parameter(length: number): PgTypes.Parameter {
    this.view.setInt32(head.length, length)
    return {
      [PgTypes.ParameterTypeId]: PgTypes.ParameterTypeId,
      oid: arrayOidOf(this.elementOid),
      value: this.bytes.subarray(0, this.at(length) - lengthSize)
    }
  }
}

/** What a hex digit is worth, by its code; -1 for what is none in lower case. */
const worth = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) worth[digit.toString(16).charCodeAt(0)] = digit

const arrayOidOf = (elementOid: number): number => PgTypes.arrayOidFor(elementOid) ?? 0

/** As PostgreSQL numbers it. */
const binaryFormat = 1

/** The types of a PostgreSQL client that takes an array as it is sent, too. */
export const arrayTypes: PgTypes.Registry = PgTypes.makeRegistry()
for (const elementOid of [PgTypes.OID.uuid, PgTypes.OID.int4, PgTypes.OID.int8]) {
  const oid = arrayOidOf(elementOid)
  arrayTypes.register<unknown>(oid, {
    encode: (value) => (value instanceof Uint8Array ? Result.succeed(value) : PgTypes.encode(value, oid)),
    decode: (bytes) => PgTypes.decode(bytes, oid, binaryFormat)
  })
}
