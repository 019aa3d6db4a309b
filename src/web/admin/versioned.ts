import type { PollView } from "../../domain/PollView.ts"
import type { Answer } from "../http.ts"
import type { AdminAsk } from "./session.ts"

/** A poll, and the tag of its version, which a change of it names. */
export interface Versioned {
  readonly poll: PollView
  readonly tag: string | undefined
}

/** Reads a poll as it is now. */
export const readPoll = (ask: AdminAsk, slug: string): Promise<Answer<PollView>> =>
  ask<PollView>(`/api/polls/${slug}`, { fresh: true })

/** Returns the poll of a good answer. What compresses on the way makes a weak tag of it, which would match nothing. */
export const versionedOf = ({ body, head }: Extract<Answer<PollView>, { kind: "ok" }>): Versioned => ({
  poll: body,
  tag: head.etag?.replace(/^W\//, "")
})

/** Changes a poll, if it still is of that version. */
export const editPoll = (ask: AdminAsk, { poll, tag }: Versioned, body: unknown): Promise<Answer<PollView>> =>
  ask<PollView>(`/api/polls/${poll.slug}`, { method: "PATCH", body, ifMatch: tag })

/** Whether a poll says what a request for it, or for a change of it, said of these fields. */
export const says = (poll: PollView, fields: Readonly<Record<string, unknown>>): boolean => {
  const said: Readonly<Record<string, unknown>> = { ...poll }
  // What is not there is nothing, or what a field says where nobody has chosen.
  const valueOf = (value: unknown): string =>
    JSON.stringify(value === false || value === "none" || value === undefined ? null : value)
  return Object.entries(fields).every(([name, value]) => valueOf(said[name]) === valueOf(value))
}

/** Whether a poll has closed. */
export const hasClosed = ({ status }: PollView): boolean => status === "counting" || status === "final"
