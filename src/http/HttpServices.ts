import { Layer } from "effect"
import { Bodies } from "./body/Bodies.ts"
import { Defences } from "./Defences.ts"
import { Probes } from "./operations/Probes.ts"
import { PageFiles } from "./pages/PageFiles.ts"
import { PollCache } from "./polls/PollCache.ts"
import { LiveResults } from "./results/LiveResults.ts"
import { LiveStreams } from "./results/LiveStreams.ts"
import { ViewerPlaces } from "./results/ViewerPlaces.ts"
import { Visibility } from "./results/Visibility.ts"
import { SignIns } from "./SignIns.ts"
import { Ballots } from "./voting/Ballots.ts"
import { Challenges } from "./voting/Challenges.ts"
import { Voters } from "./voting/Voters.ts"

/** The services that the routes are made of; each line needs those below it. */
export const layerHttpServices = Layer.mergeAll(LiveStreams.layer, Visibility.layer, Probes.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(LiveResults.layer, Ballots.layer)),
  Layer.provideMerge(Challenges.layer),
  Layer.provideMerge(
    Layer.mergeAll(Voters.layer, PollCache.layer, Bodies.layer, ViewerPlaces.layer, SignIns.layer, PageFiles.layer)
  ),
  Layer.provideMerge(Defences.layer)
)
