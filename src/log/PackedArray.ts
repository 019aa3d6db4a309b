const headSize = 20
const lengthSize = 4

/** An array as PostgreSQL sends it, of elements of one size, none of them null: read in place, without an object for each. */
export class PackedArray {
  readonly length: number
  readonly bytes: Buffer
  private readonly step: number

  constructor(bytes: Uint8Array, elementSize: number) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.step = lengthSize + elementSize
    // An empty array has no dimensions, and ends before its length.
    this.length = bytes.length < headSize ? 0 : (bytes.length - headSize) / this.step
  }

  /** Returns where an element is in the bytes. */
  at(index: number): number {
    return headSize + index * this.step + lengthSize
  }

  int32(index: number): number {
    return this.bytes.readInt32BE(this.at(index))
  }

  /** Reads the time of a UUIDv7, in ms. */
  uuidMs(index: number): number {
    return this.bytes.readUIntBE(this.at(index), 6)
  }

  /** Reads 16 bytes in base64url; undefined where all of them are zero. */
  half(index: number): string | undefined {
    const at = this.at(index)
    const text = this.bytes.toString("base64url", at, at + 16)
    return text === zeros ? undefined : text
  }
}

const zeros = "A".repeat(22)
