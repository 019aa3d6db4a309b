import type { Sha256 } from "./Sha256.ts"

/*
 * The tree of RFC 6962, section 2.1. `D[a:b]` stands for the leaves from number a up to b, without b.
 */

/** How many bytes a hash has. */
export const hashLength = 32

/** Returns the hash of the leaves `D[index * 2**height : (index + 1) * 2**height]`, all of which are there. */
export type Subtree = (height: number, index: number) => Uint8Array

export const leafHash = (hash: Sha256, leaf: Uint8Array): Uint8Array => {
  const marked = new Uint8Array(leaf.length + 1)
  marked.set(leaf, 1)
  return hash(marked)
}

/** Used again and again: what it holds is hashed at once. */
const pair = new Uint8Array(1 + 2 * hashLength)
pair[0] = 1

export const nodeHash = (hash: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array => {
  pair.set(left, 1)
  pair.set(right, 1 + hashLength)
  return hash(pair)
}

/** Returns the root over hashes, all of subtrees of one height but the last, which may be of a lower one; there is at least one. */
export const rootOver = (hash: Sha256, hashes: ReadonlyArray<Uint8Array>): Uint8Array => {
  let row = hashes
  while (row.length > 1) {
    const above: Array<Uint8Array> = []
    for (let at = 0; at < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]]
      if (left !== undefined) above.push(right === undefined ? left : nodeHash(hash, left, right))
    }
    row = above
  }
  return row[0] ?? hash(new Uint8Array())
}

/** Returns the largest power of two below a number of leaves above 1, where RFC 6962 splits them. */
const splitOf = (count: number): number => {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** Returns the hash of `D[begin:end]`, which is a subtree of the whole tree. */
export const rangeHash = (hash: Sha256, subtree: Subtree, begin: number, end: number): Uint8Array => {
  const count = end - begin
  if (count === 0) return hash(new Uint8Array())
  const height = Math.log2(count)
  if (Number.isInteger(height)) return subtree(height, begin / count)
  const middle = begin + splitOf(count)
  return nodeHash(hash, rangeHash(hash, subtree, begin, middle), rangeHash(hash, subtree, middle, end))
}

/** Returns the proof that leaf `index` is in the tree of `size` leaves, from the leaf's sibling up. */
export const inclusionProof = (
  hash: Sha256,
  subtree: Subtree,
  index: number,
  size: number
): ReadonlyArray<Uint8Array> => {
  const path = (begin: number, end: number): ReadonlyArray<Uint8Array> => {
    if (end - begin <= 1) return []
    const middle = begin + splitOf(end - begin)
    return index < middle
      ? [...path(begin, middle), rangeHash(hash, subtree, middle, end)]
      : [...path(middle, end), rangeHash(hash, subtree, begin, middle)]
  }
  return path(0, size)
}

const areHashes = (proof: ReadonlyArray<Uint8Array>): boolean => proof.every(({ length }) => length === hashLength)

/** Returns the root that a proof of inclusion leads to (RFC 9162, 2.1.3.2); undefined where it can't be one. */
export const rootOfInclusion = (
  hash: Sha256,
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: ReadonlyArray<Uint8Array>
): Uint8Array | undefined => {
  if (!(index >= 0 && index < size) || !areHashes([leaf, ...proof])) return undefined
  let [node, last, root] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return undefined
    if (node % 2 === 1 || node === last) {
      root = nodeHash(hash, sibling, root)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else root = nodeHash(hash, root, sibling)
    ;[node, last] = [Math.floor(node / 2), Math.floor(last / 2)]
  }
  return last === 0 ? root : undefined
}
