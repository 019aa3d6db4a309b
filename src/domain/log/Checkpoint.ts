import { fromBase64, toBase64 } from "./Bytes.ts"
import { openNote, parseNote, type Verifier } from "./Note.ts"
import { hashLength } from "./Tree.ts"

/** A log's size and root under its name, as c2sp.org/tlog-checkpoint has it. */
export interface Checkpoint {
  /** The log's address without its scheme. */
  readonly origin: string
  /** How many leaves the log has. */
  readonly size: number
  readonly root: Uint8Array
}

/** Returns the text that is signed. */
export const checkpointText = ({ origin, root, size }: Checkpoint): string => `${origin}\n${size}\n${toBase64(root)}\n`

/** Returns the checkpoint that a note's text holds; undefined where it is none, or has lines more, which we never write. */
export const parseCheckpoint = (text: string): Checkpoint | undefined => {
  const [, origin, size, encoded = ""] = /^(.+)\n(0|[1-9]\d{0,15})\n(.+)\n$/.exec(text) ?? []
  const root = fromBase64(encoded)
  if (origin === undefined || root?.length !== hashLength) return undefined
  return Number.isSafeInteger(Number(size)) ? { origin, size: Number(size), root } : undefined
}

/** Returns the checkpoint of a signed note; nothing of it is checked. */
export const checkpointIn = (note: string): Checkpoint | undefined => parseCheckpoint(parseNote(note)?.text ?? "")

/** Returns the checkpoint of a note that one of the keys has signed; undefined where none has, or one is of another origin. */
export const openCheckpoint = async (
  note: string,
  verifiers: ReadonlyArray<Verifier>
): Promise<Checkpoint | undefined> => {
  const checkpoint = parseCheckpoint((await openNote(note, verifiers)) ?? "")
  return verifiers.every(({ name }) => name === checkpoint?.origin) ? checkpoint : undefined
}
