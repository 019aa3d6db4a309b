import { createHash } from "node:crypto"
import { Cause, Clock, Context, Deferred, Effect, Layer } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { NotFound, Unavailable } from "../../domain/Problems.ts"
import { type Results, toResults } from "../../domain/Tally.ts"
import { elapsed, elapsedMs } from "../../Elapsed.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { Backlog } from "../../stream/Backlog.ts"
import { VoteStream } from "../../stream/VoteStream.ts"

/** A poll's results in the form in which they are sent, made once for all who ask. */
export interface Snapshot {
  readonly body: string
  readonly etag: string
  readonly revision: number
  readonly epoch: string
  /** Names the reading for a viewer that comes back: `<revision>-<epoch>`, of a ranked poll `<revision>.<tabulation's revision>-<epoch>`. */
  readonly id: string
  readonly status: Results["status"]
  readonly results: Results
  /** When the ledger was asked, in ms of `elapsed`. */
  readonly readAt: number
}

/** A snapshot younger than this, in ms, is sent as it is. */
const fresh = 1_000
/** A snapshot older than this, in ms, is not sent at all. */
const stale = 60_000
/** How long a request waits for a newer snapshot, in ms, where it has one that is not yet stale. */
const patience = 500

const unavailable = new Unavailable({ detail: "Results temporarily unavailable" })

interface Cached {
  snapshot?: Snapshot
  reading?: Deferred.Deferred<void>
  /** When the ledger failed to answer, in ms of `elapsed`; cleared once it answers. */
  failedAt?: number
}

/** The results of polls, read from the ledger at most once a second however many ask. */
export class LiveResults extends Context.Service<
  LiveResults,
  {
    /** Returns the last reading while it is fresh. */
    readonly fresh: (poll: string) => Snapshot | undefined
    /** Returns results that are at most 2 s old while the ledger answers, and up to 60 s old while it does not. */
    current(poll: string): Effect.Effect<Snapshot, NotFound | Unavailable>
    /** Returns the results of a reading that begins now. */
    latest(poll: string): Effect.Effect<Snapshot, NotFound | Unavailable>
    /** Returns what `current` does; where a poll shows nothing but its final result, no reading from before that. */
    shown(poll: Poll): Effect.Effect<Snapshot, NotFound | Unavailable>
  }
>()("tallykeep/http/results/LiveResults") {
  static readonly layer = Layer.effect(
    LiveResults,
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const backlog = yield* Backlog
      const stream = yield* VoteStream
      const scope = yield* Effect.scope
      const clock = yield* Clock.Clock
      const polls = new Map<string, Cached>()

      const read = Effect.fnUntraced(function* (poll: string, cached: Cached) {
        const readAt = yield* elapsed
        const tally = yield* ledger.tally(poll)
        delete cached.failedAt
        if (tally === undefined) {
          delete cached.snapshot
          return
        }
        const results = toResults(tally, backlog.pending(), stream.now())
        const body = JSON.stringify(results)
        const hash = createHash("sha256").update(body).digest("base64url")
        const { epoch } = tally
        const { revision, status } = results
        const etag = `"${hash.slice(0, 21 - epoch.length)}-${epoch}"`
        const tabulated = tally.tabulation === undefined ? "" : `.${tally.tabulation.revision}`
        const id = `${revision}${tabulated}-${epoch}`
        cached.snapshot = { body, etag, readAt, revision, epoch, id, status, results }
      })

      /** Starts a reading unless one is under way, and waits until that has succeeded or failed. */
      const refresh = (poll: string, cached: Cached): Effect.Effect<void> => {
        if (cached.reading !== undefined) return Deferred.await(cached.reading)
        const reading = Deferred.makeUnsafe<void>()
        cached.reading = reading
        return read(poll, cached).pipe(
          // Defects too: those who wait would take one for a poll that does not exist.
          Effect.catchCause((cause) =>
            Effect.flatMap(elapsed, (now) => {
              const first = cached.failedAt === undefined
              cached.failedAt = now
              const error = Cause.squash(cause)
              const why = error instanceof Error ? error.message : String(error)
              return first
                ? Effect.annotateLogs(Effect.logWarning(`Results can't be read for now: ${why}`), { poll })
                : Effect.void
            })
          ),
          Effect.ensuring(
            Effect.suspend(() => {
              delete cached.reading
              return Deferred.succeed(reading, undefined)
            })
          ),
          // In the service's scope: a client that goes away must not end what others wait for.
          Effect.forkIn(scope),
          Effect.andThen(Deferred.await(reading))
        )
      }

      const current = Effect.fnUntraced(function* (poll: string) {
        const cached = polls.get(poll) ?? {}
        polls.set(poll, cached)
        const asked = yield* elapsed
        const { failedAt, snapshot } = cached
        if (snapshot !== undefined && asked - snapshot.readAt < fresh) return snapshot
        const usable = snapshot !== undefined && asked - snapshot.readAt < stale
        // While the ledger is away, one request in half a second finds out whether it still is.
        if (!(usable && failedAt !== undefined && asked - failedAt < patience)) {
          const reading = refresh(poll, cached)
          yield* usable ? Effect.timeoutOption(reading, patience) : reading
        }
        const latest = cached.snapshot
        const now = yield* elapsed
        if (latest !== undefined && now - latest.readAt < stale) return latest
        return yield* cached.failedAt === undefined ? new NotFound({ detail: "There is no such poll" }) : unavailable
      })

      const latest = (poll: string) =>
        Effect.suspend(() => {
          const cached = polls.get(poll)
          const under = cached?.reading === undefined ? Effect.void : Deferred.await(cached.reading)
          return Effect.andThen(
            under,
            Effect.suspend(() => (cached === undefined ? Effect.void : refresh(poll, cached)))
          )
        }).pipe(Effect.andThen(current(poll)))

      const shown = Effect.fnUntraced(function* ({ finalMs, results, slug }: Poll) {
        const known = yield* current(slug)
        if (finalMs === undefined || results !== "after_close" || known.status === "final") return known
        const read = yield* latest(slug)
        return read.status === "final" ? read : yield* unavailable
      })

      const freshOf = (poll: string) => {
        const snapshot = polls.get(poll)?.snapshot
        return snapshot !== undefined && elapsedMs(clock) - snapshot.readAt < fresh ? snapshot : undefined
      }

      return LiveResults.of({ fresh: freshOf, current, latest, shown })
    })
  )
}
