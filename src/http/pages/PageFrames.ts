import type { Poll } from "../../domain/Poll.ts"
import { type PollStatus, pollStatus } from "../../domain/PollStatus.ts"
import type { Results } from "../../domain/Tally.ts"
import type { Assets } from "./Assets.ts"
import { type Html, html } from "./Html.ts"
import { type VotingPage, votingPage } from "./VotingPage.ts"

/** What a page is made of that is the same for all of its readers, and what comes of it. */
interface Frame {
  readonly results: Results | undefined
  readonly status: PollStatus
  readonly origin: string | undefined
  readonly hasReader: boolean
  /** The page without what is each reader's own; there from the second reader on. */
  readonly pieces?: ReadonlyArray<string>
}

/** Of so many polls, those whose pages were made last. */
const kept = 100

/** What is each reader's own, in its order: no text of a poll has these quotes. */
const own = /(?<=data-now="|data-voter="|name="key" value=")[^"]*(?=")/

/**
 * Makes the function that returns what `votingPage` does. Most of a page stays the same from reader to reader until the results
 * are read anew: of each poll, that is made once.
 */
export const makeVotingPages = (assets: Assets) => {
  const frames = new Map<Poll, Frame>()
  const keep = (poll: Poll, frame: Frame) => {
    frames.delete(poll)
    for (const oldest of frames.keys()) if (frames.size >= kept) frames.delete(oldest)
    frames.set(poll, frame)
  }
  return (page: VotingPage): string => {
    const { key, notice, now, origin, poll, reader, refilled, results } = page
    if (notice !== undefined || refilled !== undefined) return votingPage(assets, page)
    const hasReader = reader !== undefined
    const status = pollStatus(poll, now)
    const frame = frames.get(poll)
    const isSame =
      frame?.results === results && frame?.status === status && frame.origin === origin && frame.hasReader === hasReader
    if (!isSame) {
      keep(poll, { results, status, origin, hasReader })
      return votingPage(assets, page)
    }
    const pieces = frame.pieces ?? votingPage(assets, page).split(own)
    if (frame.pieces === undefined) keep(poll, { ...frame, pieces })
    const [first = "", ...others] = pieces
    const values = hasReader ? [now, reader.name, key] : [now, key]
    const begun: Html = { html: first }
    return others.reduce((text, piece, place) => html`${text}${values[place]}${{ html: piece }}`, begun).html
  }
}
