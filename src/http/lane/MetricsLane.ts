import { metricsType } from "../operations/OperationsApi.ts"
import { headersOfStatus } from "../Problem.ts"
import { isOrdinary, type Lane } from "./LaneRequests.ts"
import type { LaneResponses } from "./LaneResponses.ts"

const headers = Object.entries({ "content-type": metricsType, ...headersOfStatus(200) }).flat()

/** Makes the lane of the metrics, which are asked for again and again while nobody else asks for much. */
export const makeMetricsLane =
  ({ writeHead }: LaneResponses, metrics: () => Uint8Array): Lane =>
  (request, response) => {
    if (request.url !== "/metrics" || request.method !== "GET" || !isOrdinary(request)) return false
    const started = performance.now()
    const text = metrics()
    writeHead({ request, response, route: "/metrics", started }, 200, headers, text.length)
    response.end(text)
    return true
  }
