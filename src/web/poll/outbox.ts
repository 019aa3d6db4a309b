import type { SingleReceipt } from "../../domain/Vote.ts"
import { type Answer, ask, type Problem } from "../http.ts"
import type { Solver } from "./solver.ts"
import type { Store } from "./store.ts"
import { maxPending, type Pending } from "./stored.ts"

type ReceiptBody = typeof SingleReceipt.Type

/** Why a vote waits: for the network, for the service, or for the poll, which is being changed. */
export type Wait = "network" | "service" | "poll"

export interface OutboxEvents {
  readonly sending: (choice: string) => void
  /** The vote waits for the solution of its challenge. */
  readonly solving: (choice: string) => void
  readonly accepted: (receipt: ReceiptBody, vote: Pending) => void
  readonly refused: (problem: Problem, choice: string) => void
  /** The vote could not be taken yet; it is sent again automatically. */
  readonly waiting: (why: Wait, choice: string) => void
  /** No more votes can wait: this one is not taken. */
  readonly full: () => void
}

export interface Outbox {
  /** Takes a vote; where only one counts, not while another one is still on its way. */
  cast(choice: string): void
  /** Sends the votes that are left from before, if any. */
  flush(): void
  /** Throws away the votes that wait: they were for another ballot. */
  drop(): void
}

/** A solution that takes longer is spoken of, in ms. */
const noticeable = 500
const firstPause = 1_000
const longestPause = 15_000

/** What a poll without challenges takes for a solution. */
const unsolved: Answer<undefined> = {
  kind: "ok",
  body: undefined,
  head: { at: undefined, etag: undefined, retryAfter: undefined }
}

/** Returns why an answer leaves a vote waiting, and how long in ms, where that is said; undefined where it is the last one. */
const waitOf = (answer: Answer<unknown>): { readonly why: Wait; readonly ms: number | undefined } | undefined => {
  if (answer.kind === "away") return { why: answer.network ? "network" : "service", ms: answer.retryAfter }
  const { retryAfter } = answer.head
  return answer.kind === "problem" && retryAfter !== undefined ? { why: "poll", ms: retryAfter } : undefined
}

/** Makes a UUID of version 4; `crypto.randomUUID` exists only on pages over HTTPS. */
const newKey = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

interface OutboxOptions {
  /** Where votes are sent. */
  readonly path: string
  readonly token: string | undefined
  /** For a poll that asks for a solved challenge. */
  readonly solver: Solver | undefined
  /** Whether each vote counts, so that several may wait. */
  readonly several: boolean
  /** Returns the body of the request that makes a choice. */
  readonly bodyOf: (choice: string) => unknown
  /** Returns the service's time, in ms since 1970. */
  readonly now: () => number
}

/**
 * Keeps each vote until the service has answered it, and sends it again and again, always with the same key: one after the other,
 * in the order of the taps. Tabs share what waits; where two of them send the same vote, it is one by its key.
 */
export const makeOutbox = (
  { bodyOf, now, path, several, solver, token }: OutboxOptions,
  store: Store,
  events: OutboxEvents
): Outbox => {
  let sending = false
  let pause = firstPause
  let timer: ReturnType<typeof setTimeout> | undefined

  const solve = async (choice: string): Promise<Answer<string | undefined>> => {
    if (solver === undefined) return unsolved
    const slow = setTimeout(events.solving, noticeable, choice)
    const solved = await solver.solution()
    clearTimeout(slow)
    return solved
  }

  const send = async ({ choice, key }: Pending): Promise<Answer<ReceiptBody>> => {
    const solved = await solve(choice)
    if (solved.kind !== "ok") return solved
    return ask(path, { method: "POST", body: bodyOf(choice), key, token, solution: solved.body })
  }

  /** Sends a vote until it is answered; returns false where it has to wait. */
  const deliver = async (pending: Pending): Promise<boolean> => {
    const { choice, key } = pending
    events.sending(choice)
    let answer = await send(pending)
    if (answer.kind === "problem" && answer.problem.type.endsWith(":challenge")) {
      // It has run out, as where the page was open for long: a new one will do.
      solver?.spend()
      answer = await send(pending)
    }
    const wait = waitOf(answer)
    if (wait !== undefined) {
      events.waiting(wait.why, choice)
      timer = setTimeout(flush, wait.ms ?? pause)
      pause = Math.min(pause * 2, longestPause)
      return false
    }
    solver?.spend()
    pause = firstPause
    const accepted = answer.kind === "ok" ? 1 : 0
    store.update((stored) => {
      const left = stored.pending.filter((other) => other.key !== key)
      // Another tab may have sent it, and counted it, as well.
      return left.length === stored.pending.length ? stored : { ...stored, pending: left, sent: stored.sent + accepted }
    })
    if (answer.kind === "ok") events.accepted(answer.body, pending)
    else if (answer.kind === "problem") events.refused(answer.problem, choice)
    return true
  }

  const flush = async (): Promise<void> => {
    if (sending) return
    clearTimeout(timer)
    sending = true
    for (let going = true; going; ) {
      const [next] = store.read().pending
      going = next !== undefined && (await deliver(next))
    }
    sending = false
  }

  return {
    flush,
    drop: () => {
      clearTimeout(timer)
      store.update((stored) => ({ ...stored, pending: [] }))
    },
    cast: (choice) => {
      const { length } = store.read().pending
      if (several && length >= maxPending) return events.full()
      if (!several && length > 0) return
      const cast = { choice, key: newKey(), at: now() }
      store.update((stored) => ({ ...stored, pending: [...stored.pending, cast] }))
      void flush()
    }
  }
}
