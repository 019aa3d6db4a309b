import { Cause, Effect, Option, Result, Struct } from "effect"
import { defaultPoll, type Poll, versionOf } from "../../domain/Poll.ts"
import { fromDefinition, type PollDefinition } from "../../domain/PollDefinition.ts"
import { applyEdit, changesOf, type PollEdit, toDefinition } from "../../domain/PollEdit.ts"
import type { OutOfService } from "../../domain/Problems.ts"
import type { Outcome } from "../../ledger/PollActs.ts"
import type { Current } from "../../ledger/PollChange.ts"
import { makeDecideEdit } from "./DecideEdit.ts"
import {
  missing,
  notConfirmed,
  notDeletable,
  notDeletableEver,
  notKept,
  past,
  stale,
  tooEarly,
  wrongFields
} from "./PollRefusals.ts"
import { inTime, shutUntil } from "./PollTimes.ts"
import { isExpected } from "./VersionTag.ts"
import { type HoldServices, hold, makeAllCounted, makeWithoutVotes, notice } from "./WithoutVotes.ts"

/** What the life of polls needs: where they are kept, what time it is for them, and who has to hear of it. */
export interface LifeServices extends Omit<HoldServices, "told"> {
  readonly closingTime: Effect.Effect<number, OutOfService>
  changed(slug: string): Effect.Effect<void, OutOfService>
}

/** Makes what organisers do with polls. */
export const makePollLife = ({
  acts,
  changed,
  closingTime,
  countedUpTo,
  now: present,
  shutPoll,
  unshutPoll
}: LifeServices) => {
  const existing = (slug: string) =>
    Effect.flatMap(acts.find(slug), (poll) => (poll === undefined ? Effect.fail(missing) : Effect.succeed(poll)))

  /** Waits until a time has come, in ms. */
  const until = (ms: number): Effect.Effect<void, OutOfService> =>
    Effect.flatMap(present, (now) => (now >= ms ? Effect.void : Effect.andThen(Effect.sleep(ms - now), until(ms))))

  /**
   * Tells all processes of what is done with a poll. Where whoever asked for it has gone, or the database does not say, it may be done
   * all the same: they are told as well.
   */
  const told = <A, E extends { readonly _tag: string }>(slug: string, doing: Effect.Effect<A, E>) =>
    Effect.tap(doing, () => changed(slug)).pipe(
      Effect.onError((cause) => (isRefusal(cause) ? Effect.void : Effect.forkDetach(changed(slug))))
    )

  /**
   * Has the stream refuse votes by what a poll is until now, from a time on, in ms: a process that does not hear of its next version in time
   * would take votes that do not count. Returns from when on: later where that was over.
   */
  const shut = (poll: Poll, from: number) => shutPoll(poll.slug, versionOf(poll) + 1, from)

  const withoutVotes = makeWithoutVotes({ acts, countedUpTo, now: present, shutPoll, told, unshutPoll })
  const allCounted = makeAllCounted(countedUpTo)

  /** Does something with a poll. */
  const act = <E extends { readonly _tag: string }>(
    slug: string,
    what: Parameters<typeof acts.act>[1],
    decide: (current: Current) => Effect.Effect<Outcome, E>
  ) =>
    Effect.flatMap(told(slug, acts.act(slug, what, decide)), (poll) =>
      poll === undefined ? Effect.fail(missing) : Effect.succeed(poll)
    )

  const create = Effect.fnUntraced(function* (definition: PollDefinition) {
    const now = yield* present
    const poll = fromDefinition(definition)
    if (poll.closesMs !== undefined && poll.closesMs <= now) return yield* past("closes_at")
    return yield* told(poll.slug, acts.create(poll, now + hold))
  })

  const decideEdit = makeDecideEdit({ closingTime, shut })

  const edit = Effect.fnUntraced(function* (
    slug: string,
    given: PollEdit,
    expected: ReadonlyArray<string> | undefined
  ) {
    const poll = yield* existing(slug)
    if (!isExpected(poll, expected)) return yield* stale
    const edited = applyEdit(poll, given)
    if (Result.isFailure(edited)) return yield* wrongFields(edited.failure)
    const now = yield* closingTime
    const changes = changesOf(poll, edited.success)
    yield* inTime(poll, changes, edited.success, now)
    const change = (since: number) => act(slug, "edit", decideEdit(given, expected, changes.fixed, since))
    return yield* changes.fixed.length > 0 ? withoutVotes(poll, now, changes.fixed, change) : change(now)
  })

  const closeIn = Effect.fnUntraced(function* (slug: string, ms: number) {
    return (yield* told(slug, acts.close(slug, closingTime, ms, shut))) ?? (yield* missing)
  })

  const close = Effect.fnUntraced(function* (slug: string) {
    yield* existing(slug)
    const poll = yield* closeIn(slug, notice)
    if (Option.isSome(yield* Effect.timeoutOption(until(poll.closesMs ?? 0), 2 * notice))) return poll
    // Votes' ids are ahead of Redis's clock, so that the time by which it would close stands still.
    return yield* closeIn(slug, 0)
  })

  const reopenPoll = Effect.fnUntraced(function* (slug: string, closesMs: number | undefined) {
    const now = yield* closingTime
    if (closesMs !== undefined && closesMs <= now) return yield* past("closes_at")
    const decide = Effect.fnUntraced(function* ({ isDecided, poll }: Current) {
      if (closesMs !== undefined && poll.opensMs !== undefined && closesMs <= poll.opensMs) return yield* tooEarly
      const times = shutUntil(poll, now)
      if (isDecided && times !== poll.shut) return yield* notKept
      if (closesMs !== undefined && (yield* shut(poll, closesMs)) > closesMs) return yield* past("closes_at")
      return {
        poll: {
          ...Struct.omit(poll, ["closesMs"]),
          ...(closesMs === undefined ? {} : { closesMs }),
          ...(times === undefined ? {} : { shut: times })
        }
      }
    })
    return yield* act(slug, "reopen", decide)
  })

  const duplicate = Effect.fnUntraced(function* (slug: string, as: string, title: string | undefined) {
    const original = toDefinition(yield* existing(slug))
    const copied = Struct.omit(original, ["archived", "closes_at", "listed", "opens_at"])
    const definition = { ...copied, slug: as, title: title ?? original.title, draft: true }
    return yield* told(as, acts.create(fromDefinition(definition), (yield* present) + hold, "duplicate"))
  })

  const archive = (slug: string) =>
    act(slug, "archive", ({ poll }) =>
      Effect.succeed(poll.archived ? undefined : { poll: { ...poll, archived: true } })
    )

  /**
   * Deletes a poll, whose slug has to be given once more. Its votes are acked before: one that is counted, and given out again since
   * its consumer is gone, would be a dead letter of a poll that nobody knows, and in the books twice.
   */
  const remove = Effect.fnUntraced(function* (slug: string, again: string | undefined) {
    if (again !== slug) return yield* notConfirmed
    // Whoever posts to /api/vote votes in it, and it is there before anything is read of the database.
    if (slug === defaultPoll.slug) return yield* notDeletableEver
    const found = yield* existing(slug)
    if (isInUse(found)) return yield* notDeletable
    if (!found.draft) yield* Effect.flatMap(closingTime, allCounted)
    const decide = Effect.fnUntraced(function* ({ poll }: Current) {
      if (isInUse(poll)) return yield* notDeletable
      if (!poll.draft) yield* shut(poll, yield* present)
      return "deleted" as const
    })
    yield* act(slug, "delete", decide)
  })

  return { find: existing, create, edit, close, reopen: reopenPoll, duplicate, archive, remove }
}

export type PollLife = ReturnType<typeof makePollLife>

/** Whether something was refused, so that nothing was done. */
const isRefusal = (cause: Cause.Cause<{ readonly _tag: string }>): boolean => {
  const error = Cause.findErrorOption(cause)
  return Option.isSome(error) && error.value._tag !== "OutOfService"
}

/** Whether a poll is still in use, so that it can't be deleted. */
const isInUse = ({ archived, draft }: Poll): boolean => !draft && !archived
