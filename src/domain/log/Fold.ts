import type { Choosing } from "../Choice.ts"
import { partsOf } from "../ChoiceParts.ts"
import { rulesOf } from "../Rules.ts"
import { fromBase64url, fromHex, toHex } from "./Bytes.ts"
import {
  areRulesKept,
  choiceKey,
  type Fate,
  isSeedOf,
  openChoice,
  type PollLeaf,
  type ResultLeaf,
  type VoteLeaf
} from "./Leaf.ts"
import { parseLeaf } from "./ParseLeaf.ts"
import type { Sha256 } from "./Sha256.ts"

/** A vote as the leaves until now tell of it. */
interface FoldedVote {
  /** What it says, open or hidden; undefined while no leaf has told that. */
  readonly o?: string | undefined
  readonly c?: string | undefined
  /** The hash of the seed that opens it. */
  readonly seed?: string | undefined
  readonly s: Fate
}

/** What a log's votes come to. */
export interface Recounted {
  readonly ballots: number
  /** Those of the ballots whose choices are not opened yet: the counts below are without them. */
  readonly hidden: number
  readonly abstained: number
  /** In the poll's order, counted as the API's results are. */
  readonly options: ReadonlyArray<{ readonly id: string; readonly count: number; readonly sum: number }>
  /** What can't be, in words; none in a log that is as it should be. */
  readonly wrong: ReadonlyArray<string>
}

const maxWrong = 20

/** Adds a log's leaves up, one by one in their order. A result is what the last leaf of each vote says. */
export class Fold {
  readonly #hash: Sha256
  readonly #votes = new Map<string, FoldedVote>()
  readonly #seeds = new Map<string, Uint8Array>()
  readonly #wrong: Array<string> = []
  #size = 0
  /** How many votes count. */
  #counting = 0
  #poll: PollLeaf | undefined
  #result: { readonly leaf: ResultLeaf; readonly at: number } | undefined
  #made: number | undefined
  #tieSeed: string | undefined

  constructor(hash: Sha256) {
    this.#hash = hash
  }

  /** The poll as its last leaf tells it. */
  get poll(): PollLeaf | undefined {
    return this.#poll
  }

  /** The final result, where the log ends with it. */
  get result(): ResultLeaf | undefined {
    return this.#result?.at === this.#size - 1 ? this.#result.leaf : undefined
  }

  /** How many voters' links and tokens were made; undefined where none were. */
  get made(): number | undefined {
    return this.#made
  }

  /** The seed of draws, in hex, once it is told. */
  get tieSeed(): string | undefined {
    return this.#tieSeed
  }

  /**
   * Whether what votes say is hidden until the end that is still to come. Results are ahead of the log until then, where the poll has
   * voters: their votes wait to come into it in groups.
   */
  get isHiding(): boolean {
    const { seed } = this.#poll ?? {}
    return seed !== undefined && !this.#seeds.has(seed)
  }

  /** How many votes the leaves tell of. */
  get votes(): number {
    return this.#votes.size
  }

  /** Returns what the leaves say last of a vote: what has become of it, and its choice, unless that is hidden. */
  vote(id: string): { readonly fate: Fate; readonly choice: string | undefined } | undefined {
    const vote = this.#votes.get(id)
    return vote && { fate: vote.s, choice: this.#choiceOf(vote, id) }
  }

  /** Takes a seed that no leaf has told yet, and opens choices by it. */
  know(seed: Uint8Array): void {
    this.#seeds.set(toHex(this.#hash(seed)), seed)
  }

  #blame(what: string): void {
    if (this.#wrong.length < maxWrong) this.#wrong.push(what)
  }

  add(text: string): void {
    const at = this.#size++
    const leaf = parseLeaf(text)
    if (at === 0 && !(leaf !== undefined && "t" in leaf && leaf.t === "poll")) this.#blame("leaf 0 is not the poll")
    if (leaf === undefined) this.#blame(`leaf ${at} is not one of a poll's log`)
    else if (!("t" in leaf)) this.#vote(leaf, at)
    else if (leaf.t === "tokens") {
      if (leaf.made < (this.#made ?? 0)) this.#blame(`leaf ${at} takes back tokens that were made`)
      this.#made = leaf.made
    } else if (leaf.t === "result") this.#result = { leaf, at }
    else if (leaf.t === "open") this.#open(leaf.seed, leaf.tie_seed, at)
    else if (leaf.t === "poll") {
      // Votes that were rejected, all of them, do not hold a change up.
      if (this.#counting > 0 && this.#poll !== undefined && !areRulesKept(leaf, this.#poll)) {
        this.#blame(`leaf ${at} changes what votes can say, or which of them count, after the first vote`)
      }
      if (leaf.tie_seed_hash !== this.#poll?.tie_seed_hash) {
        if (this.#counting > 0 && this.#tieSeed === undefined) {
          this.#blame(`leaf ${at} changes what draws come from, after the first vote`)
        }
        // The draws to come are of another seed then.
        this.#tieSeed = undefined
      }
      this.#poll = leaf
    }
  }

  #open(seed: string | undefined, tieSeed: string | undefined, at: number): void {
    const { seed: committed = "", tie_seed_hash: tieHash = "" } = this.#poll ?? {}
    if (seed !== undefined) {
      if (isSeedOf(this.#hash, seed, committed)) this.#seeds.set(committed, fromHex(seed) ?? new Uint8Array())
      else this.#blame(`leaf ${at} has a seed that the poll did not commit to`)
    }
    if (tieSeed !== undefined) {
      if (isSeedOf(this.#hash, tieSeed, tieHash)) this.#tieSeed = tieSeed
      else this.#blame(`leaf ${at} has a draw's seed that the poll did not commit to`)
    }
  }

  #vote({ c, id, o, s }: VoteLeaf, at: number): void {
    const known = this.#votes.get(id)
    const says = o !== undefined || c !== undefined
    if (says && known !== undefined && (known.o ?? o) !== o) this.#blame(`leaf ${at} has a vote say something else`)
    if (says && known !== undefined && (known.c ?? c) !== c) this.#blame(`leaf ${at} has a vote say something else`)
    this.#counting += Number(s === "counted") - Number(known?.s === "counted")
    const seed = known?.seed ?? (c === undefined ? undefined : this.#poll?.seed)
    this.#votes.set(id, { o: o ?? known?.o, c: c ?? known?.c, seed, s })
  }

  /** Returns what a vote says; undefined while it is hidden. */
  #choiceOf({ c, o, seed }: FoldedVote, id: string): string | undefined {
    const opening = this.#seeds.get(seed ?? "")
    if (c === undefined || opening === undefined) return o
    const hidden = fromBase64url(c) ?? new Uint8Array()
    return openChoice(this.#hash, choiceKey(this.#hash, opening, id), hidden)
  }

  /** Returns what the leaves until now come to; `seen` is told of each choice that counts. */
  recount(seen: (choice: string) => void = () => {}): Recounted {
    const { abstain = false, options = [], ...leaf }: Partial<PollLeaf> = this.#poll ?? {}
    const poll: Choosing = { options, rules: rulesOf({ ...leaf, options }), abstain }
    const counts = new Map(options.map(({ id }) => [id, { id, count: 0, sum: 0 }]))
    const parsed = new Map<string, ReturnType<typeof partsOf>>()
    let [ballots, hidden, abstained] = [0, 0, 0]
    for (const [id, vote] of this.#votes) {
      if (vote.s !== "counted") continue
      ballots++
      const choice = this.#choiceOf(vote, id)
      if (choice === undefined) {
        if (vote.c === undefined) this.#blame(`the vote ${id} counts, and no leaf tells what it says`)
        hidden++
        continue
      }
      if (!parsed.has(choice)) parsed.set(choice, partsOf(poll, choice))
      const parts = parsed.get(choice)
      if (parts === undefined) {
        this.#blame(`the vote ${id} says what no vote can say here`)
        continue
      }
      seen(choice)
      if (parts.length === 0) abstained++
      for (const { option, value } of parts) {
        const count = counts.get(option)
        if (count === undefined) continue
        if (poll.rules.kind !== "ranked" || value === 1) count.count++
        if (poll.rules.kind === "score" || poll.rules.kind === "points") count.sum += value
      }
    }
    return { ballots, hidden, abstained, options: [...counts.values()], wrong: [...this.#wrong] }
  }
}
