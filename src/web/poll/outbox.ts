import type { Receipt } from "../../domain/Vote.ts"
import { type Answer, ask, type Problem } from "../http.ts"
import type { Solver } from "./solver.ts"
import type { Pending, Store } from "./store.ts"

type ReceiptBody = typeof Receipt.Type

export interface OutboxEvents {
  readonly sending: (option: string) => void
  /** The vote waits for the solution of its challenge. */
  readonly solving: (option: string) => void
  readonly accepted: (receipt: ReceiptBody) => void
  readonly refused: (problem: Problem, option: string) => void
  /** The vote could not be sent; it is tried again automatically. */
  readonly waiting: (network: boolean, option: string) => void
}

export interface Outbox {
  /** Takes a vote, unless it is the second half of a double tap or another one is still on its way. */
  cast(option: string): void
  /** Sends the vote that is left from before, if any. */
  flush(): void
}

/** Taps on one option that are closer together than this count as one, in ms. */
const doubleTap = 1_000
/** A solution that takes longer is spoken of, in ms. */
const noticeable = 500
const firstPause = 1_000
const longestPause = 15_000

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
}

/** Keeps a vote until the service has answered it, and sends it again and again, always with the same key. */
export const makeOutbox = ({ path, solver, token }: OutboxOptions, store: Store, events: OutboxEvents): Outbox => {
  let last = { option: "", at: Number.NEGATIVE_INFINITY }
  let sending = false
  let pause = firstPause
  let timer: ReturnType<typeof setTimeout> | undefined

  const solve = async (option: string): Promise<Answer<string | undefined>> => {
    if (solver === undefined) return { kind: "ok", body: undefined, head: { at: undefined, etag: undefined } }
    const slow = setTimeout(events.solving, noticeable, option)
    const solved = await solver.solution()
    clearTimeout(slow)
    return solved
  }

  const send = async ({ key, option }: Pending): Promise<Answer<ReceiptBody>> => {
    const solved = await solve(option)
    if (solved.kind !== "ok") return solved
    return ask(path, { method: "POST", body: { option }, key, token, solution: solved.body })
  }

  const flush = async (): Promise<void> => {
    const { pending } = store.read()
    if (pending === undefined || sending) return
    clearTimeout(timer)
    sending = true
    const { option } = pending
    events.sending(option)
    let answer = await send(pending)
    if (answer.kind === "problem" && answer.problem.type.endsWith(":challenge")) {
      // It has run out, as where the page was open for long: a new one will do.
      solver?.spend()
      answer = await send(pending)
    }
    sending = false
    if (answer.kind === "away") {
      events.waiting(answer.network, option)
      timer = setTimeout(flush, answer.retryAfter ?? pause)
      pause = Math.min(pause * 2, longestPause)
      return
    }
    solver?.spend()
    pause = firstPause
    const { pending: _, ...rest } = store.read()
    store.write(rest)
    if (answer.kind === "ok") events.accepted(answer.body)
    else events.refused(answer.problem, option)
  }

  return {
    flush,
    cast: (option) => {
      const now = performance.now()
      const again = last.option === option && now - last.at < doubleTap
      last = { option, at: now }
      if (again || store.read().pending !== undefined) return
      store.write({ ...store.read(), pending: { option, key: newKey() } })
      void flush()
    }
  }
}
