import type { PollView } from "../../domain/PollView.ts"
import { listed, moment } from "./formats.ts"

/*
 * The words of what an organiser has changed of a poll.
 */

export const changes = {
  just: (fields: ReadonlyArray<string>) => `Just changed: ${listed(fields)}.`,
  ballot: "The ballot of this poll was changed. What you have filled in was not sent: please fill in the new one.",
  fresh: "Show the new ballot",
  archived: "This poll is in the archive.",
  edited: (at: string) => `Edited on ${at}`,
  reopened: "It was closed in between: votes sent then do not count."
}

/** What a voter sees of a poll, by what it is called. */
const parts: ReadonlyArray<readonly [name: string, of: (poll: PollView) => unknown]> = [
  ["the question", ({ title }) => title],
  ["the description", ({ description }) => description],
  ["the options' names", ({ options }) => options.map(({ label }) => label)],
  ["the opening time", ({ opens_at }) => opens_at],
  ["the closing time", ({ closes_at }) => closes_at],
  ["who sees the results", ({ results }) => results]
]

/** Names what differs between two versions of a poll. */
export const tellChanged = (before: PollView, after: PollView): string => {
  const differs = parts.filter(([, of]) => JSON.stringify(of(before)) !== JSON.stringify(of(after)))
  return differs.length === 0 ? "" : changes.just(differs.map(([name]) => name))
}

/** Says what a poll has been through until a time in ms; times are in the zone, or in the reader's own. */
export const tellHistory = (
  { archived, closed = [], edited_at }: PollView,
  now: number,
  zone?: string
): ReadonlyArray<string> => [
  ...(archived ? [changes.archived] : []),
  // While it is closed for an edit, and just before, that is not over.
  ...(closed.some(({ to }) => Date.parse(to) <= now) ? [changes.reopened] : []),
  ...(edited_at === undefined ? [] : [changes.edited(moment(Date.parse(edited_at), zone))])
]
