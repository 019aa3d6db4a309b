// What the peers have in common: a vote as tallykeep keeps it in the stream, and how it is appended.
import { randomUUID } from "node:crypto"
import { Redis } from "ioredis"

export const stream = process.env.STREAM_NAME
export const group = "vote-processors"
export const poll = "cats-or-dogs"
export const options = new Set(["cats", "dogs"])

/** A UUIDv7: the random part of a v4, after the time. */
export const mintVoteId = (ms) => {
  const time = ms.toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

/** `enableAutoPipelining` sends the commands of one turn of the event loop together. */
export const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true })

export const append = (voteId, option, castAt, voter) => {
  const fields = ["v", "1", "vote_id", voteId, "poll", voter?.poll ?? poll, "option", option, "cast_at", castAt]
  if (voter !== undefined) fields.push("voter", voter.hash)
  return redis.xadd(stream, "*", ...fields)
}

/** An entry's fields by name. */
export const fieldsOf = (flat) => {
  const fields = {}
  for (let index = 0; index < flat.length; index += 2) fields[flat[index]] = flat[index + 1]
  return fields
}
