import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { command, type Redis } from "./Redis.ts"

/** A solution of a challenge, and the vote that it is used for. */
export interface SolutionUse {
  /** What no other challenge has. */
  readonly solution: string
  /** Names the vote: the same each time that the vote is sent, and no other's. */
  readonly vote: string
  /** Until when the solution would be taken again if it were forgotten, in ms from now. */
  readonly remember: number
}

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22)

/**
 * Uses a solution up for a vote; returns whether it was free, or is that vote's already. All processes see the same record,
 * whatever their number of shards: it is a key by itself, which a cluster puts where it belongs.
 */
export const spendSolution = (
  redis: Redis["Service"],
  stream: string,
  { remember, solution, vote }: SolutionUse
): Effect.Effect<boolean, OutOfService> => {
  const record = `${stream}:spent:${digest(solution)}`
  const value = digest(vote)
  return Effect.map(
    command(() => redis.clientOf(record).set(record, value, "PX", remember, "NX", "GET")),
    (earlier) => earlier === null || earlier === value
  )
}
