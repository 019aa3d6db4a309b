import { Effect, Schedule } from "effect"
import { type Poll, versionOf } from "../../domain/Poll.ts"
import { type OutOfService, type Unavailable, Unchangeable } from "../../domain/Problems.ts"
import type { PollActs } from "../../ledger/PollActs.ts"
import { hasVotes, stillWaiting } from "./PollRefusals.ts"

/**
 * How long a poll that may be open is closed for, in ms, so that what decides over votes can be changed: as long as any process may
 * go by what it was before, and more.
 */
export const hold = 10_000
/**
 * How far ahead that begins, or a poll is closed by hand, in ms: all processes hear of it before, so that none of them takes a vote that
 * would not count.
 */
export const notice = 1_000

/** How long a change waits for the votes that were accepted before it to be counted. */
const patience = "5 seconds"

/** Makes what waits until all votes are counted, and acked, that were accepted before a time in ms. */
export const makeAllCounted =
  (countedUpTo: HoldServices["countedUpTo"]) =>
  (ms: number): Effect.Effect<void, OutOfService | Unavailable> =>
    countedUpTo(ms).pipe(
      Effect.repeat({ until: (upTo) => upTo >= ms, schedule: Schedule.spaced("50 millis") }),
      Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(stillWaiting) }),
      Effect.asVoid
    )

/** Returns when the times begin in which a poll is shut for a change, but for those that are over. */
const shutFrom = ({ shut = [] }: Poll, now: number): ReadonlyArray<number> =>
  shut.flatMap(([begins, ends]) => (ends > now ? [begins] : []))

/**
 * Makes what has the stream take votes that go by what a poll is, where it refuses them for an act that did not come to be, as when the
 * database went away. It waits for the end of one that is under way. A poll that is shut for a change stays so: it gets no other version
 * by that, and the stream refuses the votes of whoever has not heard of it.
 */
export const makeTakeBack =
  ({ acts, now, unshutPoll }: Pick<HoldServices, "acts" | "now" | "unshutPoll">) =>
  (slug: string): Effect.Effect<void, OutOfService> => {
    const takeBack = (poll: Poll) =>
      Effect.flatMap(now, (now) =>
        shutFrom(poll, now).length > 0 ? Effect.void : unshutPoll(slug, versionOf(poll), now)
      )
    return Effect.asVoid(acts.act(slug, "edit", ({ poll }) => Effect.as(takeBack(poll), undefined)))
  }

/** What closing a poll for a moment needs: where polls are kept, how far votes are counted, and how all processes are told. */
export interface HoldServices {
  readonly acts: PollActs["Service"]
  /** What time it is for polls, in ms since 1970. */
  readonly now: Effect.Effect<number, OutOfService>
  /**
   * Has the stream refuse a poll's votes by what it was before this version, from a time on, in ms, for so many ms, or for as long as it
   * takes any process to hear of it. Returns from when on: later where this process was held up until after the time.
   */
  shutPoll(slug: string, version: number, from: number, ms?: number): Effect.Effect<number, OutOfService>
  /** Has the stream take a poll's votes by this version, which was the latest one at a time, in ms. */
  unshutPoll(slug: string, version: number, at: number): Effect.Effect<void, OutOfService>
  countedUpTo(latest: number): Effect.Effect<number, OutOfService>
  told<A>(slug: string, doing: Effect.Effect<A, OutOfService>): Effect.Effect<A, OutOfService>
}

/**
 * Makes what does a change for which a poll must have no votes: it is closed for a moment, if it may be open, until all votes are
 * counted that it has taken so far, so that it is known whether there is any. Where there is, it was never closed. The change gets the
 * time since when it must have taken none, in ms.
 */
export const makeWithoutVotes = ({ acts, countedUpTo, now: present, shutPoll, told, unshutPoll }: HoldServices) => {
  const allCounted = makeAllCounted(countedUpTo)
  const takeBack = makeTakeBack({ acts, now: present, unshutPoll })
  return Effect.fnUntraced(function* <A, E>(
    poll: Poll,
    now: number,
    fields: ReadonlyArray<string>,
    change: (since: number) => Effect.Effect<A, E>
  ) {
    const from = now + notice
    if (poll.draft || (poll.opensMs !== undefined && poll.opensMs > from + hold)) return yield* change(now)
    // The answer to nearly all who come too late, at no cost to who votes.
    yield* acts.act(poll.slug, "edit", (current) =>
      current.hasVotes ? Effect.fail(hasVotes(fields)) : Effect.succeed(undefined)
    )
    // It may be closed already, for another change or a former try.
    const since = Math.min(from, ...shutFrom(poll, now))
    const shut = (version: number) => shutPoll(poll.slug, version + 1, since, from + hold - Math.max(since, now))
    const start = yield* told(poll.slug, acts.hold(poll.slug, from, hold, "close", shut))
    const open = told(poll.slug, acts.hold(poll.slug, start, hold, "open"))
    return yield* allCounted(start).pipe(
      Effect.andThen(change(start)),
      // Only then is it sure that this is not the time of someone else's change that was done.
      Effect.tapError((error) =>
        error instanceof Unchangeable ? Effect.andThen(open, takeBack(poll.slug)) : Effect.void
      )
    )
  })
}
