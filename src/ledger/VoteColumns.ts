import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"
import type { Acceptance, Vote } from "../domain/Vote.ts"
import { ArrayColumn } from "./ArrayColumn.ts"

/** A vote read from the stream, with its acceptance. */
export interface AcceptedVote extends Vote, Acceptance {}

/**
 * Votes as the arrays that increment_vote takes, in the form in which these are sent. Votes are written into them as they
 * are read from the stream: with an object for each in between, a consumer takes twice the CPU time.
 */
export class VoteColumns {
  length = 0
  /** The identity of the next vote is to be in its place before `addNext`. */
  readonly voteIds = new ArrayColumn(PgTypes.OID.uuid, 16)
  private readonly ms = new ArrayColumn(PgTypes.OID.int8, 8)
  private readonly seqs = new ArrayColumn(PgTypes.OID.int8, 8)
  private readonly castAts = new ArrayColumn(PgTypes.OID.int8, 8)
  /** What each vote is for: a place in the three lists of choices, from 1. */
  private readonly choices = new ArrayColumn(PgTypes.OID.int4, 4)
  private readonly polls: Array<string> = []
  private readonly options: Array<string> = []
  private readonly counts: Array<number> = []
  private readonly places = new Map<string, Map<string, number>>()
  /** By the votes' indices; undefined where no vote has one. */
  private voters: Array<string | undefined> | undefined

  static of(votes: ReadonlyArray<AcceptedVote>): VoteColumns {
    const columns = new VoteColumns()
    columns.reserve(votes.length)
    for (const vote of votes) columns.add(vote)
    return columns
  }

  clear(): void {
    this.length = 0
    this.polls.length = 0
    this.options.length = 0
    this.counts.length = 0
    this.places.clear()
    this.voters = undefined
  }

  /** Makes room for so many votes; to be done while there are none. */
  reserve(votes: number): void {
    for (const column of [this.voteIds, this.choices, this.ms, this.seqs, this.castAts]) column.reserve(votes)
  }

  add({ castAt, ms, option, poll, seq, voteId, voter }: AcceptedVote): void {
    this.voteIds.setHex(this.length, voteId.replaceAll("-", ""))
    this.ms.setBigInt(this.length, ms)
    this.seqs.setBigInt(this.length, seq)
    this.finish(poll, option, castAt, voter)
  }

  /** Adds the vote whose identity was written last. */
  addNext(poll: string, option: string, ms: number, seq: number, castAt: number, voter: string | undefined): void {
    this.ms.setNumber(this.length, ms)
    this.seqs.setNumber(this.length, seq)
    this.finish(poll, option, castAt, voter)
  }

  private finish(poll: string, option: string, castAt: number, voter: string | undefined): void {
    const place = this.placeOf(poll, option)
    this.counts[place] = (this.counts[place] ?? 0) + 1
    this.choices.setInt32(this.length, place + 1)
    this.castAts.setNumber(this.length, castAt)
    if (voter !== undefined) {
      this.voters ??= []
      this.voters[this.length] = voter
    }
    this.length++
  }

  private placeOf(poll: string, option: string): number {
    let places = this.places.get(poll)
    if (places === undefined) {
      places = new Map()
      this.places.set(poll, places)
    }
    let place = places.get(option)
    if (place === undefined) {
      place = this.polls.push(poll) - 1
      this.options.push(option)
      places.set(option, place)
    }
    return place
  }

  at(index: number): AcceptedVote {
    if (index < 0 || index >= this.length) throw new RangeError(`There is no vote ${index} of ${this.length}`)
    const place = this.choices.getInt32(index) - 1
    const voter = this.voters?.[index]
    return {
      voteId: this.voteIds.getHex(index).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
      poll: this.polls[place] ?? "",
      option: this.options[place] ?? "",
      castAt: this.castAts.getNumber(index),
      ms: this.ms.getBigInt(index),
      seq: this.seqs.getBigInt(index),
      ...(voter === undefined ? {} : { voter })
    }
  }

  /** When a vote was accepted, in ms since 1970. */
  msAt(index: number): number {
    return this.ms.getNumber(index)
  }

  pick(indices: ReadonlyArray<number>): VoteColumns {
    return VoteColumns.of(indices.map((index) => this.at(index)))
  }

  slice(from: number, to = this.length): VoteColumns {
    return this.pick(Array.from({ length: to - from }, (_, index) => from + index))
  }

  /** These votes and others. */
  with(others: ReadonlyArray<AcceptedVote>): VoteColumns {
    return VoteColumns.of([...Array.from({ length: this.length }, (_, index) => this.at(index)), ...others])
  }

  /** How many of the votes are in each poll. */
  byPoll(): Map<string, number> {
    const votes = new Map<string, number>()
    for (const [place, poll] of this.polls.entries())
      votes.set(poll, (votes.get(poll) ?? 0) + (this.counts[place] ?? 0))
    return votes
  }

  /** What increment_vote takes, by its names; good until another vote is added. */
  parameters() {
    const { length, voters } = this
    const array = (values: ReadonlyArray<unknown> | null, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))
    const voterAt = (index: number) => {
      const voter = voters?.[index]
      return voter === undefined ? null : Buffer.from(voter, "base64url")
    }
    return {
      vote_ids: this.voteIds.parameter(length),
      choices: this.choices.parameter(length),
      polls: array([...this.polls], PgTypes.OID.text),
      options: array([...this.options], PgTypes.OID.text),
      voters: array(
        voters === undefined ? null : Array.from({ length }, (_, index) => voterAt(index)),
        PgTypes.OID.bytea
      ),
      ms: this.ms.parameter(length),
      seqs: this.seqs.parameter(length),
      cast_ms: this.castAts.parameter(length)
    }
  }
}
