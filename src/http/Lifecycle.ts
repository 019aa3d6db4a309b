import { Context, Layer } from "effect"

/** Whether this process is shutting down; from then on `/ready` says no, and connections are not kept. */
export class Lifecycle extends Context.Service<Lifecycle, { stopping: boolean }>()("tallykeep/http/Lifecycle") {
  static readonly layer = Layer.sync(Lifecycle, () => Lifecycle.of({ stopping: false }))
}
