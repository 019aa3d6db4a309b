import { Effect } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import type { Changes } from "../../domain/PollEdit.ts"
import type { InvalidFields } from "../../domain/Problems.ts"
import { past, tooSoon } from "./PollRefusals.ts"
import { notice } from "./WithoutVotes.ts"

/** Fails where a poll would close before all processes know, or a draft that is published would be over. */
export const inTime = (
  before: Poll,
  { closing }: Changes,
  { closesMs, draft }: Poll,
  now: number
): Effect.Effect<void, InvalidFields> => {
  const isSet = closing || (before.draft && !draft)
  if (!isSet || closesMs === undefined || closesMs > now + notice) return Effect.void
  return Effect.fail(closesMs > now ? tooSoon : past("closes_at"))
}

/** Returns the times in which a poll was closed, once it is open again: those from its closing until now, if it had closed. */
export const shutUntil = ({ closesMs, shut }: Poll, now: number): Poll["shut"] =>
  closesMs === undefined || closesMs >= now ? shut : [...(shut ?? []), [closesMs, now]]

/** Whether a poll takes no vote from one time to another, in ms. */
export const takesNoVotes = ({ closesMs, opensMs, shut }: Poll, from: number, to: number): boolean =>
  (closesMs !== undefined && closesMs <= from) ||
  (opensMs !== undefined && opensMs >= to) ||
  (shut ?? []).some(([begins, ends]) => begins <= from && ends >= to)
