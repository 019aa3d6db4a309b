import type { Connection } from "../../stream/Redis.ts"
import { type EntryParser, holdsEntries } from "./EntryParser.ts"

type Listener = (bytes: Buffer) => void

/** What stands between a socket and the client that reads it. */
interface Tap {
  /** Takes the awaited answer in the client's stead. */
  parser: EntryParser | undefined
  /** Whether it has taken a part of that answer. */
  begun: boolean
}

/** What came of tapping a connection. */
export interface Tapped {
  /** Leaves to the client what has not come yet. */
  readonly leave: () => void
  /** Why the client has to read the answer, if it has to. */
  readonly refused: string | undefined
}

const refuse = (why: string): Tapped => ({ leave: () => {}, refused: why })

const taps = new WeakMap<Connection["stream"], Tap>()

/** What the client reads in place of an answer that a parser has read: null. */
const nullAnswer = Buffer.from("_\r\n")

/**
 * Puts a tap before the client's own listener on a socket; a socket keeps its tap, and each reconnection has a new socket.
 * Undefined where the client does not listen: ioredis reads with the first listener for "data".
 */
const tapOf = ({ stream }: Connection): Tap | undefined => {
  const known = taps.get(stream)
  if (known !== undefined) return known
  const [read, ...others] = stream.listeners("data") as Array<Listener>
  if (read === undefined) return undefined
  const tap: Tap = { parser: undefined, begun: false }
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
      read(nullAnswer)
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
 * Has a parser read the answer to the command that is sent next; the client gets null for it. Answers without entries are
 * left to the client, and so is any answer while others are still to come, since it could not be told from those.
 */
export const tapNext = (connection: Connection, parser: EntryParser): Tapped => {
  if (connection.status !== "ready") return refuse("the connection was not ready")
  if (connection.commandQueue.length > 0) return refuse("answers to other commands were still to come")
  const tap = tapOf(connection)
  if (tap === undefined) return refuse("it does not listen to its socket in the way that is known of it")
  tap.parser = parser
  tap.begun = false
  return {
    leave: () => {
      tap.parser = undefined
    },
    refused: undefined
  }
}
