/** What is worth knowing of what a PostgreSQL server sends. */
export interface BackendListener {
  /** The session's process has this id; where a pooler answers, an id of its own. */
  started(pid: number): void
  /** It has refused something, or is about to close the connection; the SQLSTATE says why. */
  error(state: string): void
  /** It waits for the next statement, and there is no transaction. */
  idle(): void
}

const headerLength = 5
const backendKeyData = 0x4b
const error = 0x45
const readyForQuery = 0x5a
const outsideTransaction = 0x49
const stateField = 0x43

/** A longer error is passed over; the server's own are a few hundred bytes. */
const longestError = 65_536

/** Returns the SQLSTATE of an ErrorResponse: fields of a letter and a text that ends with NUL. */
const stateOf = (body: Buffer): string => {
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const end = body.indexOf(0, at)
    if (end < 0) break
    if (body[at] === stateField) return body.toString("latin1", at + 1, end)
    at = end + 1
  }
  return ""
}

/** Makes a function that takes what a server sends after the start of a session, however it is cut into chunks. */
export const makeBackendReader = (listener: BackendListener): ((chunk: Buffer) => void) => {
  /** The beginning of a message that the next chunk goes on with, and how much of the next chunks is of no interest. */
  let rest: Buffer | undefined
  let skip = 0
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    rest = undefined
    let at = skip
    while (at < bytes.length) {
      if (at + headerLength > bytes.length) {
        rest = bytes.subarray(at)
        break
      }
      const type = bytes[at]
      const length = bytes.readUInt32BE(at + 1)
      const end = at + 1 + Math.max(length, 4)
      const isKept =
        (type === error && length <= longestError) ||
        (type === readyForQuery && length === 5) ||
        (type === backendKeyData && length === 12)
      if (isKept) {
        if (end > bytes.length) {
          rest = bytes.subarray(at)
          break
        }
        if (type === error) listener.error(stateOf(bytes.subarray(at + headerLength, end)))
        else if (type === backendKeyData) listener.started(bytes.readInt32BE(at + headerLength))
        else if (bytes[at + headerLength] === outsideTransaction) listener.idle()
      }
      at = end
    }
    skip = rest === undefined ? at - bytes.length : 0
  }
}
