import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { VoteStream } from "../../stream/VoteStream.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { originOf, type SentHeaders } from "../Origin.ts"
import { pagePolicy } from "./Layout.ts"
import type { makeVotingPages } from "./PageFrames.ts"
import type { VotingPage } from "./VotingPage.ts"

/** A page shows what only its reader may see and carries a key of its own, so nothing in between may keep it. */
export const pageHeaders = { "cache-control": "private, no-cache", "content-security-policy": pagePolicy }

export const pageType = "text/html; charset=utf-8"

/** Makes the function that draws a poll's page for whoever sent a request, with a key that nobody else has. */
export const makeDrawPage = Effect.gen(function* () {
  const settings = yield* HttpSettings
  const { now } = yield* VoteStream
  return (
    votingPages: ReturnType<typeof makeVotingPages>,
    request: { readonly headers: SentHeaders },
    page: Omit<VotingPage, "now" | "origin" | "key">
  ): string => votingPages({ ...page, now: now(), origin: originOf(request, settings), key: randomUUID() })
})
