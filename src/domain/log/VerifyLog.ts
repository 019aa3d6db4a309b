import { areEqual, concat, textOf } from "./Bytes.ts"
import { type Checkpoint, openCheckpoint } from "./Checkpoint.ts"
import { Fold, type Recounted } from "./Fold.ts"
import { verifiersOf } from "./Note.ts"
import type { Sha256 } from "./Sha256.ts"
import { decodeBundle, Edge, type TileName, tilePath, tilesOf } from "./Tile.ts"
import { leafHash } from "./Tree.ts"

/** Where a log's files come from. */
export interface LogSource {
  /** Returns a file by its path after the log's own; undefined where there is none. Fails where it can't be had. */
  readonly file: (path: string) => Promise<Uint8Array | undefined>
  /** Called as the leaves are read. */
  readonly progress?: (leaves: number, of: number) => void
}

/** What someone has kept from before. */
export interface Kept {
  /** Signed checkpoints, from each of which the log has to go on. */
  readonly checkpoints?: ReadonlyArray<string>
  /** The log's keys; without these, those that the log itself gives are taken. */
  readonly vkeys?: ReadonlyArray<string>
}

/** What came of checking a log. */
export interface VerifiedLog {
  /** What does not hold, in words; none where all does. */
  readonly wrong: ReadonlyArray<string>
  readonly checkpoint: Checkpoint
  /** The whole signed note, for someone to keep. */
  readonly note: string
  readonly vkeys: ReadonlyArray<string>
  readonly fold: Fold
  readonly counted: Recounted
}

/** How many files are asked for at a time. */
const atOnce = 8

/** How much is wrong of a log that is read no further: its checkpoint may be of more leaves than anybody could ask for. */
const mostWrong = 20

/** Reads files ahead, and hands them on in their order. */
async function* inOrder(source: LogSource, names: Iterable<TileName>) {
  const waiting: Array<{ readonly name: TileName; readonly bytes: Promise<Uint8Array | undefined> }> = []
  for (const name of names) {
    const bytes = source.file(tilePath(name))
    // Whoever waits for it hears of a failure; until then it is no one's.
    bytes.catch(() => undefined)
    waiting.push({ name, bytes })
    const [first] = waiting
    if (waiting.length === atOnce && first !== undefined) {
      waiting.shift()
      yield { name: first.name, bytes: await first.bytes }
    }
  }
  for (const { bytes, name } of waiting) yield { name, bytes: await bytes }
}

const textAt = async (source: LogSource, path: string): Promise<string> =>
  textOf((await source.file(path)) ?? new Uint8Array()) ?? ""

/** The leaves of a log as they are read, with the tree that they make. */
class Reading {
  readonly wrong: Array<string> = []
  readonly fold: Fold
  readonly #hash: Sha256
  readonly #edge: Edge
  readonly #tiles = new Map<string, Uint8Array>()
  readonly #former: ReadonlyArray<Checkpoint>
  readonly #sizes: ReadonlySet<number>

  constructor(hash: Sha256, former: ReadonlyArray<Checkpoint>) {
    this.#hash = hash
    this.#former = former
    this.#sizes = new Set(former.map(({ size }) => size))
    this.fold = new Fold(hash)
    this.#edge = new Edge(hash, (level, index, tile) => this.#tiles.set(`${level}/${index}`, tile))
    this.#compare()
  }

  /** The tree's head must be that of what was kept, where it is as large. */
  #compare(): void {
    if (!this.#sizes.has(this.size)) return
    const kept = this.#former.filter(({ size }) => size === this.size)
    if (!kept.every(({ root }) => areEqual(this.root(), root)))
      this.wrong.push(`the first ${this.size} leaves are not those of the checkpoint that was kept`)
  }

  add(leaf: Uint8Array): void {
    this.#edge.push(leafHash(this.#hash, leaf))
    this.fold.add(textOf(leaf) ?? "")
    this.#compare()
  }

  get size(): number {
    return this.#edge.size
  }

  root(): Uint8Array {
    return this.#edge.root()
  }

  /** Returns a tile as these leaves make it. */
  tile({ index, level }: TileName): Uint8Array {
    return this.#tiles.get(`${level}/${index}`) ?? this.#edge.tiles()[Number(level)] ?? concat()
  }
}

/** Reads a whole log and checks all of it: signature, leaves, tree, tiles, and that it goes on from what was kept. */
export const verifyLog = async (hash: Sha256, source: LogSource, kept: Kept = {}): Promise<VerifiedLog> => {
  const note = await textAt(source, "checkpoint")
  const vkeys = kept.vkeys ?? (await textAt(source, "key")).trim().split("\n")
  const verifiers = verifiersOf(hash, vkeys)
  const checkpoint = await openCheckpoint(note, verifiers)
  const notes = kept.checkpoints ?? []
  const former: Array<Checkpoint> = []
  for (const one of notes) former.push(...[await openCheckpoint(one, verifiers)].filter((found) => found !== undefined))
  const reading = new Reading(hash, former)
  const { fold, wrong } = reading
  const end = (head: Checkpoint): VerifiedLog => {
    const counted = fold.recount()
    return { wrong: [...wrong, ...counted.wrong], checkpoint: head, note, vkeys, fold, counted }
  }
  if (former.length < notes.length) wrong.push("the checkpoint that was kept is not of this log's key")
  if (checkpoint === undefined) {
    wrong.push("the checkpoint is not signed by the log's key")
    return end({ origin: "", size: 0, root: reading.root() })
  }
  const { root, size } = checkpoint
  const most = Math.max(0, ...former.map((one) => one.size))
  if (most > size) wrong.push(`the log had ${most} leaves, and has ${size} now`)
  for await (const { bytes, name } of inOrder(source, tilesOf(size, "entries"))) {
    const leaves = decodeBundle(bytes ?? concat())
    if (leaves?.length !== name.width) wrong.push(`${tilePath(name)} is not ${name.width} leaves`)
    if (wrong.length >= mostWrong) break
    for (const leaf of leaves ?? []) reading.add(leaf)
    source.progress?.(reading.size, size)
  }
  if (reading.size !== size || !areEqual(reading.root(), root))
    wrong.push("the leaves are not those that the checkpoint is of")
  for await (const { bytes, name } of inOrder(source, tilesOf(size))) {
    if (wrong.length >= mostWrong) break
    if (!areEqual(bytes ?? concat(), reading.tile(name))) wrong.push(`${tilePath(name)} is not what the leaves make`)
  }
  return end(checkpoint)
}
