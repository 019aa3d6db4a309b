import type { Connection } from "../../stream/Redis.ts"
import { type EntryParser, holdsEntries } from "./EntryParser.ts"

type Listener = (bytes: Buffer) => void

/** What is read from one socket. */
interface Tap {
  /** What takes the answer that is awaited, in the client's stead. */
  parser: EntryParser | undefined
  /** Whether it has taken a part of it. */
  begun: boolean
}

const taps = new WeakMap<Connection["stream"], Tap>()

/** What the client is given for an answer that it did not read: null. */
const nothing = Buffer.from("_\r\n")

/** Puts itself before the client's own reading of the socket; each connection that is made has a new one. */
const tapOf = ({ stream }: Connection): Tap => {
  const known = taps.get(stream)
  if (known !== undefined) return known
  const tap: Tap = { parser: undefined, begun: false }
  const [read, ...others] = stream.listeners("data") as Array<Listener>
  if (read === undefined) return tap
  const take = (bytes: Buffer) => {
    const { parser } = tap
    if (parser === undefined) return read(bytes)
    try {
      if (!tap.begun && !holdsEntries(bytes)) {
        tap.parser = undefined
        return read(bytes)
      }
      tap.begun = true
      const rest = parser.take(bytes)
      if (rest === undefined) return
      tap.parser = undefined
      read(nothing)
      if (rest.length > 0) read(rest)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }
  for (const listener of [read, ...others]) stream.off("data", listener)
  for (const listener of [take, ...others]) stream.on("data", listener)
  taps.set(stream, tap)
  return tap
}

/**
 * Has a parser read the answer to the command that is sent next, of which the client gets null. An answer without entries
 * the client reads as ever, and any, where it can't be told which one that would be, since others are still to come.
 * Gives what leaves to the client what has not come yet.
 */
export const tapNext = (connection: Connection, parser: EntryParser): (() => void) => {
  if (connection.status !== "ready" || connection.commandQueue.length > 0) return () => undefined
  const tap = tapOf(connection)
  tap.parser = parser
  tap.begun = false
  return () => {
    if (tap.parser === parser) tap.parser = undefined
  }
}
