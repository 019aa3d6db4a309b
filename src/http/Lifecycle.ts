import { Context, Deferred, Layer } from "effect"

/** Where this process is between start and end; `/ready` says yes only while it is running. */
export class Lifecycle extends Context.Service<
  Lifecycle,
  {
    /** From `stopping` on, connections are not kept. */
    phase: "starting" | "running" | "stopping"
    /** Done when the shutdown begins. */
    readonly stop: Deferred.Deferred<void>
  }
>()("tallykeep/http/Lifecycle") {
  static readonly layer = Layer.sync(Lifecycle, () =>
    Lifecycle.of({ phase: "starting", stop: Deferred.makeUnsafe<void>() })
  )
}
