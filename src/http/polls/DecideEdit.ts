import { Effect, Result } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { applyEdit, changesOf, type PollEdit } from "../../domain/PollEdit.ts"
import type { InvalidFields, OutOfService, Stale, Unavailable, Unchangeable } from "../../domain/Problems.ts"
import type { Outcome } from "../../ledger/PollActs.ts"
import type { Current } from "../../ledger/PollChange.ts"
import { hasVotes, notKept, past, stale, stillWaiting, wrongFields } from "./PollRefusals.ts"
import { inTime, shutUntil, takesNoVotes } from "./PollTimes.ts"
import { isExpected } from "./VersionTag.ts"

/** What deciding over an edit needs. */
interface EditServices {
  readonly closingTime: Effect.Effect<number, OutOfService>
  /** Has the stream refuse votes by what a poll is until now, from a time on, in ms; returns from when on. */
  shut(poll: Poll, from: number): Effect.Effect<number, OutOfService>
}

/**
 * Makes what decides over an edit of a poll as it is now, by the time that it is once nothing else holds it up. `agreed` are the fields for
 * which the poll was closed, `since` when it took no vote any more, in ms.
 */
export const makeDecideEdit =
  ({ closingTime, shut }: EditServices) =>
  (
    edit: PollEdit,
    expected: ReadonlyArray<string> | undefined,
    agreed: ReadonlyArray<string>,
    since: number
  ): ((
    current: Current
  ) => Effect.Effect<Outcome, InvalidFields | Stale | Unchangeable | OutOfService | Unavailable>) =>
    Effect.fnUntraced(function* ({ hasVotes: voted, isDecided, poll }) {
      if (!isExpected(poll, expected)) return yield* stale
      const edited = applyEdit(poll, edit)
      if (Result.isFailure(edited)) return yield* wrongFields(edited.failure)
      const changes = changesOf(poll, edited.success)
      const now = yield* closingTime
      yield* inTime(poll, changes, edited.success, now)
      if (voted && changes.fixed.length > 0) return yield* hasVotes(changes.fixed)
      // It was changed otherwise since the poll was closed for this.
      if (changes.fixed.some((field) => !agreed.includes(field))) return yield* stale
      const times = changes.closing ? shutUntil(poll, now) : poll.shut
      if (isDecided && times !== poll.shut) return yield* notKept
      const { closesMs } = edited.success
      const from = changes.fixed.length > 0 ? now : changes.closing ? closesMs : undefined
      if (!poll.draft && from !== undefined) {
        const refused = yield* shut(poll, from)
        // Votes came in until then, for all that is known, if this process was held up.
        if (changes.closing && closesMs !== undefined && refused > closesMs) return yield* past("closes_at")
        if (changes.fixed.length > 0 && !takesNoVotes(poll, since, refused)) return yield* stillWaiting
      }
      const changed = { ...edited.success, ...(times === undefined ? {} : { shut: times }) }
      return { poll: changed, edited: voted && changes.text, votesBefore: now }
    })
