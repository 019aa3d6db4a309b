import { PgTypes } from "@effect/sql-pg"
import { type Acceptance, uuidOf, type Vote } from "../domain/Vote.ts"
import { ArrayColumn } from "./ArrayColumn.ts"
import { arrayOf } from "./Parameters.ts"

/** A vote read from the stream, with its acceptance. */
export interface AcceptedVote extends Vote, Acceptance {}

/** 16 bytes of zeros. */
const noProof = "A".repeat(22)

/**
 * Votes as the arrays that increment_vote takes, in the form in which these are sent. Votes are written into them while they
 * are read from the stream: with an object for each vote in between, a consumer takes twice the CPU time.
 */
export class VoteColumns {
  length = 0
  private readonly voteIds = new ArrayColumn(PgTypes.OID.uuid, 16)
  private readonly ms = new ArrayColumn(PgTypes.OID.int8, 8)
  private readonly seqs = new ArrayColumn(PgTypes.OID.int8, 8)
  private readonly castAts = new ArrayColumn(PgTypes.OID.int8, 8)
  /** `n` of the votes that have it, and zeros; nothing where none has. */
  private readonly proofs = new ArrayColumn(PgTypes.OID.uuid, 16)
  private hasProofs = false
  /** What each vote is for: a place in the lists `polls` and `options`, from 1. */
  private readonly choices = new ArrayColumn(PgTypes.OID.int4, 4)
  private readonly polls: Array<string> = []
  private readonly options: Array<string> = []
  /** How many votes there are for each of these choices. */
  private readonly counts: Array<number> = []
  /** The place of each choice in those lists, from 0, by poll and option. */
  private readonly places = new Map<string, Map<string, number>>()
  /** The voters by the votes' indices; undefined where no vote has one. */
  private voters: Array<string | undefined> | undefined

  static of(votes: ReadonlyArray<AcceptedVote>): VoteColumns {
    const columns = new VoteColumns()
    columns.reserve(votes.length)
    for (const vote of votes) columns.add(vote)
    return columns
  }

  /** Removes all votes; the room stays. */
  clear(): void {
    this.length = 0
    this.polls.length = 0
    this.options.length = 0
    this.counts.length = 0
    this.places.clear()
    this.voters = undefined
    this.hasProofs = false
  }

  /** Makes room for so many votes, those that there are included. */
  reserve(votes: number): void {
    for (const column of [this.voteIds, this.choices, this.ms, this.seqs, this.castAts, this.proofs])
      column.reserve(votes)
  }

  /** Adds a vote, for which there has to be room. */
  add({ castAt, choice, ms, n, poll, seq, voteId, voter }: AcceptedVote): void {
    const added = this.addValues(Buffer.from(voteId, "latin1"), 0, poll, choice, ms, seq, castAt, voter, n)
    if (!added) throw new RangeError(`A vote's identity is no UUID: ${voteId}`)
  }

  /**
   * Adds a vote, for which there has to be room, from values that were checked. Its identity is text, as bytes, which begins at
   * `idStart`; where a hex digit of that is none, nothing is added, and it returns false.
   */
  addValues(
    id: Uint8Array,
    idStart: number,
    poll: string,
    choice: string,
    ms: number | bigint,
    seq: number | bigint,
    castAt: number,
    voter: string | undefined,
    n: string | undefined
  ): boolean {
    const index = this.length
    if (!this.voteIds.setUuid(index, id, idStart)) return false
    const place = this.placeOf(poll, choice)
    this.counts[place] = (this.counts[place] ?? 0) + 1
    this.choices.setInt32(index, place + 1)
    this.ms.setInt64(index, ms)
    this.seqs.setInt64(index, seq)
    this.castAts.setInt64(index, castAt)
    if (voter !== undefined) {
      this.voters ??= []
      this.voters[index] = voter
    }
    if (n !== undefined && !this.hasProofs) {
      for (let before = 0; before < index; before++) this.proofs.setBase64url(before, undefined)
      this.hasProofs = true
    }
    if (this.hasProofs) this.proofs.setBase64url(index, n)
    this.length++
    return true
  }

  private placeOf(poll: string, choice: string): number {
    let places = this.places.get(poll)
    if (places === undefined) {
      places = new Map()
      this.places.set(poll, places)
    }
    let place = places.get(choice)
    if (place === undefined) {
      place = this.polls.push(poll) - 1
      this.options.push(choice)
      places.set(choice, place)
    }
    return place
  }

  /** Returns a vote by its index, from 0. */
  at(index: number): AcceptedVote {
    if (index < 0 || index >= this.length) throw new RangeError(`There is no vote ${index} of ${this.length}`)
    const place = this.choices.getInt32(index) - 1
    const voter = this.voters?.[index]
    const n = this.hasProofs ? this.proofs.getBase64url(index) : noProof
    return {
      voteId: uuidOf(this.voteIds.getHex(index)),
      poll: this.polls[place] ?? "",
      choice: this.options[place] ?? "",
      castAt: this.castAts.getNumber(index),
      ms: this.ms.getBigInt(index),
      seq: this.seqs.getBigInt(index),
      ...(voter === undefined ? {} : { voter }),
      ...(n === noProof ? {} : { n })
    }
  }

  /** Returns when a vote was accepted, in ms since 1970. */
  msAt(index: number): number {
    return this.ms.getNumber(index)
  }

  /** Returns the votes with these indices. */
  pick(indices: ReadonlyArray<number>): VoteColumns {
    return VoteColumns.of(indices.map((index) => this.at(index)))
  }

  /** Returns the votes from one index up to, and without, another. */
  slice(from: number, to = this.length): VoteColumns {
    return this.pick(Array.from({ length: to - from }, (_, index) => from + index))
  }

  /** Returns these votes followed by others. */
  with(others: ReadonlyArray<AcceptedVote>): VoteColumns {
    return VoteColumns.of([...Array.from({ length: this.length }, (_, index) => this.at(index)), ...others])
  }

  /** In how many polls the votes are. */
  get pollCount(): number {
    return this.places.size
  }

  /** Returns how many of the votes are in each poll. */
  byPoll(): Map<string, number> {
    const votes = new Map<string, number>()
    for (const [place, poll] of this.polls.entries())
      votes.set(poll, (votes.get(poll) ?? 0) + (this.counts[place] ?? 0))
    return votes
  }

  /** Returns the arguments of increment_vote by their names there; good until another vote is added. */
  parameters() {
    const { length, voters } = this
    const voterAt = (index: number) => {
      const voter = voters?.[index]
      return voter === undefined ? null : Buffer.from(voter, "base64url")
    }
    return {
      vote_ids: this.voteIds.parameter(length),
      choices: this.choices.parameter(length),
      polls: arrayOf("text", [...this.polls]),
      options: arrayOf("text", [...this.options]),
      voters: arrayOf("bytea", voters === undefined ? null : Array.from({ length }, (_, index) => voterAt(index))),
      ms: this.ms.parameter(length),
      seqs: this.seqs.parameter(length),
      cast_ms: this.castAts.parameter(length),
      proofs: this.hasProofs ? this.proofs.parameter(length) : arrayOf("uuid", null)
    }
  }
}
