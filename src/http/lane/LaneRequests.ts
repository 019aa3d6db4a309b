import type { IncomingMessage } from "node:http"
import type { PreparedResponse } from "../PreparedResponse.ts"

/** Answers a request and returns true, or leaves it to the app and returns false. */
export type Lane = (request: IncomingMessage, response: PreparedResponse) => boolean

/** Whether there is nothing about a request that only the app knows how to treat. */
export const isOrdinary = ({ headers }: IncomingMessage): boolean =>
  headers.host !== undefined && headers.expect === undefined

export const pollPath = "/api/polls/"

/** Returns the slug in the path `/api/polls/<slug><rest>`, as it is written there. */
export const slugIn = (url: string, rest: string): string | undefined =>
  url.startsWith(pollPath) && url.endsWith(rest) ? url.slice(pollPath.length, -rest.length) : undefined
