import { Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import { layerLogFiles, layerLogRoutes, logMethods } from "./log/LogRoutes.ts"
import { layerAdminOnly } from "./middleware/AdminOnly.ts"
import { layerJsonPayload } from "./middleware/JsonPayload.ts"
import { layerProblemAnswers } from "./middleware/ProblemAnswers.ts"
import { layerOperationsRoutes } from "./operations/OperationsRoutes.ts"
import { layerPageRoutes, pageMethods } from "./pages/PageRoutes.ts"
import { layerPollRoutes } from "./polls/PollRoutes.ts"
import { layerResultsRoutes } from "./results/ResultsRoutes.ts"
import { layerReceiptRoutes } from "./voting/ReceiptRoutes.ts"
import { layerVoteRoutes } from "./voting/VoteRoutes.ts"

const openapiPath = "/openapi.json"

/** All routes: those of the API's description, and the pages. */
export const layerRoutes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath }).pipe(
    Layer.provide([layerVoteRoutes, layerReceiptRoutes, layerPollRoutes, layerResultsRoutes]),
    Layer.provide([layerLogRoutes, layerOperationsRoutes]),
    Layer.provide([layerProblemAnswers, layerJsonPayload, layerAdminOnly])
  ),
  layerLogFiles,
  layerPageRoutes
)

/** The methods of each path, for `Allow`; a part such as `:vote_id` stands for any, and a last `*` for one or several. */
const methods = new Map<string, ReadonlyArray<string>>([[openapiPath, ["GET"]], ...pageMethods, ...logMethods])
for (const group of Object.values(Api.groups)) {
  for (const { method, path } of Object.values(group.endpoints)) {
    methods.set(path, [...(methods.get(path) ?? []), method])
  }
}
const patterns = [...methods.keys()]
  .filter((path) => path.includes(":"))
  .map((path) => {
    const pattern = path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+").replace("*", ".+")
    return [new RegExp(`^${pattern}$`), path] as const
  })

/** Returns the methods that a path has, by the path without its query; none where there is no such path. */
export const methodsOf = (path: string): ReadonlyArray<string> => methods.get(routeOf(path)) ?? []

/** Returns the pattern of a path without its query, such as `/polls/:slug`; `other` where it matches none. */
export const routeOf = (path: string): string =>
  methods.has(path) ? path : (patterns.find(([pattern]) => pattern.test(path))?.[1] ?? "other")
