import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from "./Bytes.ts"
import type { Sha256 } from "./Sha256.ts"

/*
 * Signed notes as c2sp.org/signed-note has them, with Ed25519.
 */

/** The signature type of Ed25519. */
const ed25519 = 1

/** Who can check signatures: the key's name and id, and its 32 bytes. */
export interface Verifier {
  readonly name: string
  /** 8 hex digits. */
  readonly id: string
  readonly key: Uint8Array
}

/** Who signs: a verifier, and what makes the 64 bytes of a signature. */
export interface Signer extends Verifier {
  readonly sign: (text: Uint8Array) => Uint8Array
}

/** One line below a note's text. */
export interface Signature {
  readonly name: string
  readonly id: string
  readonly signature: Uint8Array
}

export interface Note {
  /** With the end of its last line. */
  readonly text: string
  readonly signatures: ReadonlyArray<Signature>
}

const namePattern = /^[^\s+]+$/u

export const makeVerifier = (hash: Sha256, name: string, key: Uint8Array): Verifier => ({
  name,
  key,
  id: toHex(hash(concat(utf8(`${name}\n`), Uint8Array.of(ed25519), key)).subarray(0, 4))
})

/** Returns the text that a key is given to others by (vkey). */
export const writeVkey = ({ id, key, name }: Verifier): string =>
  `${name}+${id}+${toBase64(concat(Uint8Array.of(ed25519), key))}`

/** Returns the verifier of a vkey; undefined where it is none of an Ed25519 key, or its id is not its key's. */
export const parseVkey = (hash: Sha256, vkey: string): Verifier | undefined => {
  const [, name = "", id, encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? []
  const bytes = fromBase64(encoded)
  if (!namePattern.test(name) || bytes?.length !== 33 || bytes[0] !== ed25519) return undefined
  const verifier = makeVerifier(hash, name, bytes.subarray(1))
  return verifier.id === id ? verifier : undefined
}

/** Returns the verifiers of those of some vkeys that have one. */
export const verifiersOf = (hash: Sha256, vkeys: ReadonlyArray<string>): ReadonlyArray<Verifier> =>
  vkeys.map((vkey) => parseVkey(hash, vkey)).filter((verifier) => verifier !== undefined)

/** Signs a text, which ends with the end of a line. */
export const signNote = (text: string, signers: ReadonlyArray<Signer>): string => {
  const lines = signers.map(
    ({ id, name, sign }) => `\u2014 ${name} ${toBase64(concat(fromHex(id) ?? new Uint8Array(), sign(utf8(text))))}\n`
  )
  return `${text}\n${lines.join("")}`
}

const readSignature = (line: string): Signature | undefined => {
  const [, name = "", encoded = ""] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? []
  const bytes = fromBase64(encoded)
  if (!namePattern.test(name) || bytes === undefined || bytes.length < 5) return undefined
  return { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) }
}

/** Takes a note apart; undefined where it is none. Nothing in it is checked. */
export const parseNote = (note: string): Note | undefined => {
  const end = note.lastIndexOf("\n\n")
  if (end < 0 || !note.endsWith("\n") || /[^\P{Cc}\n]/u.test(note)) return undefined
  const lines = note.slice(end + 2, -1).split("\n")
  const signatures = lines.map(readSignature).filter((signature) => signature !== undefined)
  return signatures.length === lines.length && lines.length <= 100
    ? { text: note.slice(0, end + 1), signatures }
    : undefined
}

const isSignedBy = async (text: string, { signature }: Signature, { key }: Verifier): Promise<boolean> => {
  const imported = await crypto.subtle.importKey("raw", Uint8Array.from(key), "Ed25519", false, ["verify"])
  return crypto.subtle.verify("Ed25519", imported, Uint8Array.from(signature), Uint8Array.from(utf8(text)))
}

/** Returns a note's text where one of the keys has signed it, and undefined where none has or a signature of one is wrong. */
export const openNote = async (note: string, verifiers: ReadonlyArray<Verifier>): Promise<string | undefined> => {
  const parsed = parseNote(note)
  let signed = false
  for (const signature of parsed?.signatures ?? []) {
    const verifier = verifiers.find(({ id, name }) => id === signature.id && name === signature.name)
    if (verifier === undefined) continue
    if (!(await isSignedBy(parsed?.text ?? "", signature, verifier))) return undefined
    signed = true
  }
  return signed ? parsed?.text : undefined
}
