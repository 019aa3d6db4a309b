import { Layer } from "effect"
import { Ballots } from "./Ballots.ts"
import { LiveResults } from "./LiveResults.ts"
import { LiveStreams } from "./LiveStreams.ts"
import { Polls } from "./Polls.ts"
import { Probes } from "./Probes.ts"
import { Visibility } from "./Visibility.ts"
import { Voters } from "./Voters.ts"

/** What the routes are made of; each line needs what is below it. */
export const layerHttpServices = Layer.mergeAll(LiveStreams.layer, Visibility.layer, Probes.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(LiveResults.layer, Ballots.layer)),
  Layer.provideMerge(Layer.mergeAll(Voters.layer, Polls.layer))
)
