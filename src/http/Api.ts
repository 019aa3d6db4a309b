import { HttpApi, OpenApi } from "effect/http-api"
import { LogGroup } from "./log/LogApi.ts"
import { OperationsGroup } from "./operations/OperationsApi.ts"
import { PollsGroup } from "./polls/PollsApi.ts"
import { ResultsGroup } from "./results/ResultsApi.ts"
import { ReceiptsGroup, VotesGroup } from "./voting/VotingApi.ts"

/**
 * The API's description, from which `/openapi.json`, `/docs` and the typed client are made. The handlers of polls, receipts
 * and operations are held to it by their types and their answers by its schemas; those of votes, results and streams,
 * where that would cost more than the answer itself, by a test.
 */
export const Api = HttpApi.make("tallykeep")
  .add(VotesGroup)
  .add(PollsGroup)
  .add(ReceiptsGroup)
  .add(ResultsGroup)
  .add(LogGroup)
  .add(OperationsGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "tallykeep",
      version: process.env.TALLYKEEP_VERSION ?? "0.0.0",
      description:
        "Votes that count exactly once. All errors are RFC 9457 problems (`application/problem+json`), here with their `detail` and, for fields, a JSON pointer each.",
      license: { name: "MIT" }
    })
  )
