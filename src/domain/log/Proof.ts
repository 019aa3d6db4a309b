import { areEqual, fromBase64, toBase64 } from "./Bytes.ts"
import { type Checkpoint, openCheckpoint } from "./Checkpoint.ts"
import type { Verifier } from "./Note.ts"
import type { Sha256 } from "./Sha256.ts"
import { leafHash, rootOfInclusion } from "./Tree.ts"

const firstLine = "c2sp.org/tlog-proof@v1"

/** A proof that a leaf is in a log, as c2sp.org/tlog-proof has it. */
export interface Proof {
  /** The leaf itself. */
  readonly leaf: Uint8Array
  readonly index: number
  /** From the leaf's sibling up. */
  readonly hashes: ReadonlyArray<Uint8Array>
  /** The whole signed note. */
  readonly checkpoint: string
}

export const writeProof = ({ checkpoint, hashes, index, leaf }: Proof): string =>
  [firstLine, `extra ${toBase64(leaf)}`, `index ${index}`, ...hashes.map(toBase64), "", checkpoint].join("\n")

/** Takes a proof apart; undefined where it is none with a leaf in it. Nothing in it is checked. */
export const parseProof = (text: string): Proof | undefined => {
  const end = text.indexOf("\n\n")
  const [first, extra = "", index = "", ...lines] = text.slice(0, Math.max(0, end)).split("\n")
  const leaf = fromBase64(extra.replace(/^extra /, ""))
  const hashes = lines.map(fromBase64).filter((hash) => hash !== undefined)
  if (first !== firstLine || leaf === undefined || !extra.startsWith("extra ")) return undefined
  if (!/^index (0|[1-9]\d{0,15})$/.test(index) || hashes.length !== lines.length) return undefined
  return { leaf, index: Number(index.slice(6)), hashes, checkpoint: text.slice(end + 2) }
}

/** Returns the checkpoint that a proof leads to; undefined where it doesn't hold against these keys, all of this origin. */
export const checkProof = async (
  hash: Sha256,
  proof: Proof,
  verifiers: ReadonlyArray<Verifier>
): Promise<Checkpoint | undefined> => {
  const checkpoint = await openCheckpoint(proof.checkpoint, verifiers)
  if (checkpoint === undefined) return undefined
  const root = rootOfInclusion(hash, proof.index, checkpoint.size, leafHash(hash, proof.leaf), proof.hashes)
  return root !== undefined && areEqual(root, checkpoint.root) ? checkpoint : undefined
}
