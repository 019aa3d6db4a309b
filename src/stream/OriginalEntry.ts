import { Schema } from "effect"
import { defaultPoll, OptionId } from "../domain/Poll.ts"
import { entryMs, type Vote } from "../domain/Vote.ts"

/*
 * The entries of the system that tallykeep replaces, the original: `option`, `timestamp` and `request_id`, all votes in one
 * poll. They have no identity of their own, and no version.
 */

/** What an entry of ours has: with one of these and without a version, it is a broken one. */
const notInOriginal = ["v", "vote_id", "poll", "cast_at", "voter"]

/** Whether the fields are those of an entry of the original. */
export const isOriginal = (fields: Readonly<Record<string, string>>): boolean =>
  fields.option !== undefined && notInOriginal.every((name) => fields[name] === undefined)

/** Whatever else an entry has is ignored. */
export const OriginalFields = Schema.Struct({ option: OptionId, timestamp: Schema.optionalKey(Schema.String) })

/** Numbers from this one on are milliseconds, not seconds: it is the year 5138 in those, and 1973 in these. */
const leastMs = 1e11
/** The largest `cast_at` that an entry of ours can have. */
const maxMs = 1e15 - 1

/** Python writes a time without a zone, or with a blank in place of the T; what has no zone is taken for UTC. */
const isoTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?$/

/** Reads a time, ISO 8601 or seconds or milliseconds since 1970, in ms; undefined where it is none. */
const readTime = (text: string): number | undefined => {
  const [, date, time, zone = "Z"] = isoTime.exec(text) ?? []
  const number = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  const ms = date === undefined ? (number < leastMs ? number * 1_000 : number) : Date.parse(`${date}T${time}${zone}`)
  return ms >= 0 && ms <= maxMs ? Math.floor(ms) : undefined
}

/** Returns the vote that an entry of the original is, by its id and the `vote_id` that the ledger knows it by. */
export const originalVote = (id: string, voteId: string, { option, timestamp }: typeof OriginalFields.Type): Vote => ({
  voteId,
  poll: defaultPoll.slug,
  choice: option,
  castAt: (timestamp === undefined ? undefined : readTime(timestamp)) ?? Math.min(entryMs(id), maxMs)
})
