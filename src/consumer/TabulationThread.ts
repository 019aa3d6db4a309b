import { Worker } from "node:worker_threads"
import { Data, Effect, type Scope } from "effect"
import type { TabulationAnswer, TabulationTask } from "./tabulationWorker.ts"

/** The thread has failed, or has ended. */
export class TabulationFailed extends Data.TaggedError("TabulationFailed")<{ readonly cause: unknown }> {}

/** Tabulates in a thread, one poll after another. */
export interface TabulationThread {
  /** Begins a poll. */
  begin(task: TabulationTask): Effect.Effect<void, TabulationFailed>
  /** Takes a page of lines, each a ranking, a space, and how many ballots say it. The bytes are gone afterwards. */
  add(page: Uint8Array): Effect.Effect<void, TabulationFailed>
  /** Returns what all pages come to. */
  readonly tabulate: Effect.Effect<TabulationAnswer, TabulationFailed>
}

/** The built program has the thread's code in a file beside it; sources are run as they are. */
const file = new URL(import.meta.url.endsWith(".ts") ? "tabulationWorker.ts" : "tabulation-worker.js", import.meta.url)

/** A thread, and what it has ended with. */
interface Started {
  readonly worker: Worker
  readonly whyEnded: () => unknown
}

/** Asks the thread one thing. Whoever stops waiting for the answer ends the thread: it would come to the next one. */
const ask = <A>({ whyEnded, worker }: Started, message: unknown, transfer: ReadonlyArray<ArrayBuffer> = []) =>
  Effect.callback<A, TabulationFailed>((resume) => {
    const answered = (answer: A) => settle(Effect.succeed(answer))
    const failed = (cause: unknown) => settle(Effect.fail(new TabulationFailed({ cause })))
    const settle = (exit: Effect.Effect<A, TabulationFailed>) => {
      worker.off("message", answered).off("error", failed).off("exit", failed)
      resume(exit)
    }
    worker.on("message", answered).on("error", failed).on("exit", failed)
    if (worker.threadId < 0) failed(whyEnded())
    else worker.postMessage(message, transfer)
    return Effect.promise(() => worker.terminate())
  })

const pagePart = (page: Uint8Array): readonly [Uint8Array, ReadonlyArray<ArrayBuffer>] => {
  // What the driver read lies in a buffer that others use too.
  const own = page.slice()
  return [own, [own.buffer]]
}

/** Starts the thread, for as long as the scope is open, and waits until it runs; whoever asks one that has ended is told why. */
export const makeTabulationThread: Effect.Effect<TabulationThread, never, Scope.Scope> = Effect.gen(function* () {
  let why: unknown = new Error("The thread has ended")
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const started = new Worker(file, { name: "tabulation" })
      // It must not keep a process alive that has nothing else to do; and an error that nobody waits for is told to the next.
      started.on("error", (cause) => {
        why = cause
      })
      started.unref()
      return started
    }),
    (started) => Effect.promise(() => started.terminate())
  )
  yield* Effect.callback<void>((resume) => {
    const settle = () => resume(Effect.void)
    worker.once("online", settle).once("exit", settle)
    return Effect.sync(() => worker.off("online", settle).off("exit", settle))
  })
  const thread: Started = { worker, whyEnded: () => why }
  return {
    begin: (task) => Effect.asVoid(ask(thread, task)),
    add: (page) => Effect.asVoid(Effect.suspend(() => ask(thread, ...pagePart(page)))),
    tabulate: ask<TabulationAnswer>(thread, "tabulate")
  }
})
