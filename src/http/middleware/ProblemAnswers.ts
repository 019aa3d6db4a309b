import { Effect, Layer } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiError, HttpApiMiddleware } from "effect/http-api"
import { InvalidFields, isProblem, Malformed } from "../../domain/Problems.ts"
import { fieldErrors } from "../body/FieldErrors.ts"
import { headersOfStatus, problemResponse } from "../Problem.ts"

/**
 * Around each typed endpoint: what its handler fails with, and a request that does not fit its description, becomes a
 * problem. Nobody may keep an answer of it.
 */
export class ProblemAnswers extends HttpApiMiddleware.Service<ProblemAnswers>()(
  "tallykeep/http/middleware/ProblemAnswers"
) {}

const problemOf = (error: unknown) => {
  if (!HttpApiError.HttpApiSchemaError.is(error)) return isProblem(error) ? error : undefined
  switch (error.kind) {
    case "Payload":
      return new InvalidFields({ detail: "Some fields are not as they should be", errors: fieldErrors(error.cause) })
    case "Query":
      return new Malformed({ detail: "The query is not understood" })
    default:
      // An answer of ours that does not fit the description.
      return undefined
  }
}

export const layerProblemAnswers = Layer.succeed(ProblemAnswers, (handler) =>
  Effect.catch(handler, (error) => {
    const problem = problemOf(error)
    return problem === undefined
      ? Effect.fail(error)
      : Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => problemResponse(problem, url))
  }).pipe(
    Effect.map((response) =>
      HttpServerResponse.setHeaders(response, { ...headersOfStatus(response.status), ...response.headers })
    )
  )
)
