import { Context, Deferred, Layer } from "effect"

/** Whether this process is shutting down; from then on `/ready` says no, and connections are not kept. */
export class Lifecycle extends Context.Service<
  Lifecycle,
  {
    stopping: boolean
    /** Done when the shutdown begins. */
    readonly stop: Deferred.Deferred<void>
  }
>()("tallykeep/http/Lifecycle") {
  static readonly layer = Layer.sync(Lifecycle, () =>
    Lifecycle.of({ stopping: false, stop: Deferred.makeUnsafe<void>() })
  )
}
