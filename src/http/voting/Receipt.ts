import type { Poll } from "../../domain/Poll.ts"
import { failpoint } from "../../Failpoint.ts"
import type { Appended } from "../../stream/VoteStream.ts"

/** A poll's option ids, made once for each reading of the poll. */
const optionSets = new WeakMap<Poll, ReadonlySet<string>>()

export const optionsOf = (poll: Poll): ReadonlySet<string> => {
  const known = optionSets.get(poll)
  if (known !== undefined) return known
  const options = new Set(poll.options.map(({ id }) => id))
  optionSets.set(poll, options)
  return options
}

/** 1 to 255 visible ASCII characters. */
export const isIdempotencyKey = (key: string): boolean => /^[!-~]{1,255}$/.test(key)

/** Every part of it is of characters that need no escaping in JSON. */
export const receiptBody = ({ option, streamId, voteId }: Appended): string => {
  failpoint("after-append")
  return `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`
}

export const receiptHeaders = ({ streamId, voteId }: Appended) => ({
  location: `/api/votes/${voteId}?stream_id=${streamId}`,
  "cache-control": "no-store"
})
