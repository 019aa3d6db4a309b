import { type Clock, Duration, Effect, Schedule } from "effect"

/*
 * How long ago something was. Ages, pauses and allowances are differences of two readings of the clock below, since the wall
 * clock may be set back or forth in between. The wall clock (`Clock.currentTimeMillis`) is for moments: when a vote was
 * cast, when a poll closes. test/elapsed.test.ts lists where it is read.
 */

/** Returns the whole ms since some moment in the past, by a clock that nobody can set. */
export const elapsedMs = (clock: Clock.Clock): number =>
  Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)

/** The same as an effect. */
export const elapsed: Effect.Effect<number> = Effect.clockWith((clock) => Effect.sync(() => elapsedMs(clock)))

/** Node's timers may come so many ms early. */
const early = 2

/** Returns how long it is until the next multiple of `interval`, in ms; of one that is just about to come, until the one after. */
export const untilBeat = (interval: number): Effect.Effect<number> =>
  Effect.map(elapsed, (now) => early + interval - ((now + early) % interval))

/**
 * Has something done at each multiple of `interval`, in ms. Waking a process costs more than most of what loops do: so loops that
 * turn every second do so at the same moment.
 */
export const onBeat = (interval: number): Schedule.Schedule<number> =>
  Schedule.addDelay(Schedule.forever, () => untilBeat(interval))

/** How often what finds nothing going on looks again, in ms, unless it has to know sooner. */
const quietInterval = 2_000

/**
 * The same for something that says whether anything goes on: while nothing does, it is done at the multiples of `quiet` alone. So a
 * process that has nothing to do is hardly woken.
 */
export const onBeatWhileBusy = (interval: number, quiet = quietInterval): Schedule.Schedule<number, boolean> =>
  Schedule.addDelay(Schedule.forever, ({ input }) => untilBeat(input === true ? interval : quiet))

/**
 * Returns how far a server's clock is ahead of our wall clock, in ms. It said `theirs` between two readings of `elapsed`, and is
 * taken to have done so halfway.
 */
export const clockSkew = (clock: Clock.Clock, theirs: number, askedAt: number, answeredAt: number): number => {
  const ours = clock.currentTimeMillisUnsafe() - (elapsedMs(clock) - (askedAt + answeredAt) / 2)
  return theirs - ours
}

/** The gauge of it, in seconds: NaN where it is not known. */
export const clockSkewGauge = ["tallykeep_clock_skew_seconds", "How far the server's clock is ahead of ours"] as const

/** Keeps what an effect comes to for `ttl` ms. Effect's own `cachedWithTTL` goes by the wall clock. */
export const cachedFor =
  (ttl: number) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<Effect.Effect<A, E, R>> => {
    // Whoever comes while the effect runs waits for it.
    let expiresAt = Number.POSITIVE_INFINITY
    const made = Effect.suspend(() => {
      expiresAt = Number.POSITIVE_INFINITY
      return self
    }).pipe(
      Effect.ensuring(
        Effect.map(elapsed, (now) => {
          expiresAt = now + ttl
        })
      )
    )
    return Effect.map(Effect.cachedInvalidateWithTTL(made, Duration.infinity), ([cached, invalidate]) =>
      Effect.flatMap(elapsed, (now) => (now < expiresAt ? cached : Effect.andThen(invalidate, cached)))
    )
  }
