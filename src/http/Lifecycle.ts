import { Context, Deferred, Layer } from "effect"

/** Where this process is between start and end; `/ready` says yes only while it is running. */
export class Lifecycle extends Context.Service<
  Lifecycle,
  {
    /** From `stopping` on, connections are not kept. */
    phase: "starting" | "running" | "stopping"
    /** Whether a shutdown no longer waits for clients that send one request after the other without waiting for answers. */
    hurries: boolean
    /** Done when the shutdown begins. */
    readonly stop: Deferred.Deferred<void>
  }
>()("tallykeep/http/Lifecycle") {
  static readonly layer = Layer.sync(Lifecycle, () =>
    Lifecycle.of({ phase: "starting", hurries: false, stop: Deferred.makeUnsafe<void>() })
  )
}
