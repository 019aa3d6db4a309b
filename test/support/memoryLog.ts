import { generateKeyPairSync, sign } from "node:crypto"
import { gzipSync } from "node:zlib"
import { concat, utf8 } from "../../src/domain/log/Bytes.ts"
import { checkpointText } from "../../src/domain/log/Checkpoint.ts"
import {
  choiceKey,
  type Fate,
  fateLeaf,
  hideChoice,
  type Leaf,
  leafId,
  leafKeyProof,
  voteLeaf
} from "../../src/domain/log/Leaf.ts"
import { pollLeaf } from "../../src/domain/log/LogLeaves.ts"
import { nodeSha256 } from "../../src/domain/log/NodeSha256.ts"
import { makeVerifier, type Signer, signNote, writeVkey } from "../../src/domain/log/Note.ts"
import { encodeBundle, tileWidth } from "../../src/domain/log/Tile.ts"
import { leafHash, rootOver } from "../../src/domain/log/Tree.ts"
import type { Poll } from "../../src/domain/Poll.ts"
import { longestChoice } from "../../src/domain/Rules.ts"
import type { LoggedVote, StoredTile } from "../../src/ledger/LogStore.ts"

export const makeSigner = (name: string): Signer => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")
  return { ...makeVerifier(nodeSha256, name, key), sign: (text) => sign(null, text, privateKey) }
}

/** A vote of a test's, with its idempotency key. */
export interface TestVote {
  readonly voteId: string
  readonly choice: string
  readonly key?: string
}

/** A poll's log that stays in memory and keeps all leaves, made the plainest way: what the stored ones have to say too. */
export class MemoryLog {
  readonly poll: Poll
  readonly number: number
  readonly signers: Array<Signer>
  readonly secret = utf8("what names the votes of this log")
  readonly seed = Buffer.alloc(32, 7)
  readonly hidden: boolean
  readonly leaves: Array<string> = []
  checkpoint: string | undefined
  readonly #found = new Map<string, Omit<LoggedVote, "log">>()

  constructor(poll: Poll, { hidden = false, host = "votes.example", number = 1 } = {}) {
    this.poll = poll
    this.number = number
    this.hidden = hidden
    this.signers = [makeSigner(`${host}/api/polls/${poll.slug}/log${number === 1 ? "" : `/${number}`}`)]
    this.append(pollLeaf(poll, hidden ? { seed: Buffer.from(nodeSha256(this.seed)).toString("hex") } : {}))
  }

  append(leaf: Leaf): void {
    this.leaves.push(JSON.stringify(leaf))
  }

  idOf(voteId: string): string {
    return leafId(nodeSha256, this.secret, voteId)
  }

  count({ choice, key, voteId }: TestVote): void {
    const id = this.idOf(voteId)
    const opens = choiceKey(nodeSha256, this.seed, id)
    const longest = longestChoice(this.poll.options, this.poll.rules)
    const [field, said] = this.hidden
      ? (["c", hideChoice(nodeSha256, opens, choice, longest)] as const)
      : (["o", choice] as const)
    const keyProof = key === undefined ? undefined : leafKeyProof(nodeSha256, voteId, key)
    this.#found.set(voteId, {
      index: this.leaves.length,
      ...(keyProof === undefined ? {} : { keyProof }),
      ...(this.hidden ? { choiceKey: opens } : {})
    })
    this.leaves.push(voteLeaf(id, field, said, "counted", keyProof))
  }

  decide(voteId: string, fate: Fate): void {
    this.leaves.push(fateLeaf(this.idOf(voteId), fate))
  }

  /** Signs all that there is. */
  sign(): void {
    const [first] = this.signers
    const text = checkpointText({ origin: first?.name ?? "", size: this.leaves.length, root: this.#root() })
    this.checkpoint = signNote(text, this.signers)
  }

  get vkeys(): ReadonlyArray<string> {
    return this.signers.map(writeVkey)
  }

  tile(level: number | "entries", index: number): StoredTile | undefined {
    if (level === "entries") {
      const leaves = this.leaves.slice(index * tileWidth, (index + 1) * tileWidth)
      const bytes = encodeBundle(leaves.map(utf8))
      if (leaves.length === 0) return undefined
      return leaves.length === tileWidth ? { bytes: gzipSync(bytes), gzipped: true } : { bytes, gzipped: false }
    }
    const hashes = this.#hashes(level).slice(index * tileWidth, (index + 1) * tileWidth)
    return hashes.length === 0 ? undefined : { bytes: concat(...hashes), gzipped: false }
  }

  find(voteId: string): LoggedVote | undefined {
    const found = this.#found.get(voteId)
    return found === undefined ? undefined : { log: { poll: this.poll.slug, number: this.number }, ...found }
  }

  #hashes(level: number): ReadonlyArray<Uint8Array> {
    if (level === 0) return this.leaves.map((leaf) => leafHash(nodeSha256, utf8(leaf)))
    const below = this.#hashes(level - 1)
    return Array.from({ length: Math.floor(below.length / tileWidth) }, (_, at) =>
      rootOver(nodeSha256, below.slice(at * tileWidth, (at + 1) * tileWidth))
    )
  }

  #root(): Uint8Array {
    return rootOver(nodeSha256, this.#hashes(0))
  }
}
