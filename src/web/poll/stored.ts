import { isRecord } from "../http.ts"

/** A vote on its way; the key makes it one vote however often it is sent. */
export interface Pending {
  /** What it says, as the service writes it. */
  readonly choice: string
  readonly key: string
  /** When it was cast, by the service's clock, in ms since 1970. */
  readonly at?: number
}

/** A vote that was accepted. */
export interface Mine {
  readonly choice: string
  readonly voteId: string
  readonly streamId: string
  /** Its idempotency key, which the proof that it is in the public log is asked for by. */
  readonly key?: string
  readonly status: "queued" | "counted" | "superseded" | "rejected" | "dead" | "lost"
}

/** What a browser remembers of a poll for one voter. */
export interface Stored {
  /** In the order in which they are sent. */
  readonly pending: ReadonlyArray<Pending>
  /** The last one that was accepted. */
  readonly mine?: Mine
  /** How many were accepted. */
  readonly sent: number
}

/** How many votes may wait to be sent, in a poll where each one counts. */
export const maxPending = 100

const states: ReadonlyArray<unknown> = ["queued", "counted", "superseded", "rejected", "dead", "lost"]

const matches = (value: unknown, pattern: RegExp): value is string => typeof value === "string" && pattern.test(value)

const keyPattern = /^[!-~]{1,255}$/

const isPending = (value: unknown): value is Pending =>
  isRecord(value) &&
  typeof value.choice === "string" &&
  matches(value.key, keyPattern) &&
  (value.at === undefined || typeof value.at === "number")

const isMine = (value: unknown): value is Mine =>
  isRecord(value) &&
  typeof value.choice === "string" &&
  matches(value.voteId, /^[0-9a-f-]{36}$/) &&
  matches(value.streamId, /^\d+-\d+$/) &&
  (value.key === undefined || matches(value.key, keyPattern)) &&
  states.includes(value.status)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Reads what a browser has stored. Another version of the page may have written it, or someone's hand: what can't be used is as
 * if it were not there. What was cast or accepted before the poll opened, at a time in ms, was so in one that had its slug before, and
 * was deleted.
 */
export const parseStored = (text: string | null, opensMs = 0): Stored => {
  const found = parse(text ?? "")
  const { mine, pending, sent } = isRecord(found) ? found : {}
  const known = isMine(mine) ? mine : undefined
  const isFormer = known !== undefined && Number.parseInt(known.streamId, 10) < opensMs
  const isOfNow = ({ at = opensMs }: Pending): boolean => at >= opensMs
  return {
    pending: Array.isArray(pending) ? pending.filter(isPending).filter(isOfNow).slice(0, maxPending) : [],
    ...(known === undefined || isFormer ? {} : { mine: known }),
    sent: isCount(sent) && !isFormer ? sent : 0
  }
}
