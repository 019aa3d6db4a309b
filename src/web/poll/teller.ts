import { receiptPath } from "../../domain/ReceiptPath.ts"
import { logged } from "../words/logWords.ts"
import { challenge, vote } from "../words.ts"
import { findInLog } from "./inLog.ts"
import { followReceipt } from "./receipt.ts"
import type { Store } from "./store.ts"
import { type Mine, maxPending } from "./stored.ts"
import type { Tone, View } from "./view.ts"

/** Tells the reader what becomes of their votes. */
export interface Teller {
  sending(choice: string): void
  /** The vote waits for the solution of its challenge. */
  solving(choice: string): void
  waiting(choice: string): void
  /** A vote was accepted: it is followed until it is counted. */
  accepted(mine: Mine): void
  refused(why: string): void
  /** The vote was not taken, since too many wait. */
  full(): void
  /** The vote says that already. */
  already(mine: Mine): void
  /** The reader votes: what was said of votes before is over. */
  cast(): void
  /** Options have other labels: what was told last is told again. */
  renamed(): void
  /** Goes on from what the browser remembers, which another tab may have changed; returns whether there was news. */
  hear(): boolean
}

export interface TellerOptions {
  readonly store: Store
  readonly view: View
  /** Whether each vote counts, so that there may be several. */
  readonly several: boolean
  /** Names a vote by its choice, such as "vote for Cats". */
  readonly nameOf: (choice: string) => string
  /** Is called when the state of a vote has changed. */
  readonly changed: () => void
  /** Is called when the service has said what became of a vote. */
  readonly settled: () => void
}

const tones: Readonly<Record<Mine["status"], Tone>> = {
  queued: "busy",
  counted: "good",
  superseded: "none",
  rejected: "bad",
  dead: "bad",
  lost: "bad"
}

export const makeTeller = ({ changed, nameOf, settled, several, store, view }: TellerOptions): Teller => {
  /** How many votes in a row were refused, the last of which the page speaks of. */
  let refused = 0
  /** Whether the page speaks of a vote for which there was no room. */
  let full = false
  /** The vote that was last told of, and its status. */
  let told = ""
  const stateOf = ({ status, voteId }: Mine): string => `${voteId} ${status}`

  const show = (mine: Mine): void => {
    const { pending, sent } = store.read()
    told = stateOf(mine)
    // Votes that wait, or were not taken, are what the page speaks of.
    if (pending.length === 0 && refused === 0) {
      const text = mine.status === "lost" ? vote.lost : vote[mine.status](nameOf(mine.choice))
      view.notice(several && sent > 1 ? `${text} ${vote.sent(sent)}` : text, tones[mine.status], receiptPath(mine))
      if (mine.status === "counted") void look(mine)
    }
    changed()
  }

  /** Looks for a counted vote in the public log, and tells what it finds while the page still speaks of that vote. */
  const look = async (mine: Mine): Promise<void> => {
    const current = (): boolean => told === stateOf(mine) && store.read().pending.length === 0 && refused === 0
    const found = await findInLog(mine, current)
    if (found !== undefined && current()) view.logged(logged[found.found], found.found === "broken", found.text)
  }

  const follow = (mine: Mine): void => {
    show(mine)
    if (mine.status !== "queued") return
    const current = (): boolean => {
      const last = store.read().mine
      return last !== undefined && stateOf(last) === stateOf(mine)
    }
    void followReceipt(mine, current, (done) => {
      store.update((stored) => ({ ...stored, mine: done }))
      show(done)
      settled()
    })
  }

  return {
    sending: (choice) => {
      if (full) return
      const more = store.read().pending.length - 1
      const text = vote.sending(nameOf(choice))
      view.notice(more > 0 ? `${text} ${vote.more(more)}` : text, "busy")
    },
    solving: (choice) => view.notice(challenge.solving(nameOf(choice)), "busy"),
    waiting: (choice) => {
      if (!full) view.notice(vote.waiting(nameOf(choice)), "busy")
    },
    accepted: (mine) => {
      refused = 0
      full = false
      store.update((stored) => ({ ...stored, mine }))
      follow(mine)
    },
    refused: (why) => {
      refused++
      full = false
      view.notice(vote.notTaken(why, refused), "bad")
    },
    full: () => {
      full = true
      view.notice(vote.full(maxPending), "bad")
    },
    already: (mine) => view.notice(vote.already(nameOf(mine.choice)), "good", receiptPath(mine)),
    cast: () => {
      refused = 0
      full = false
    },
    renamed: () => {
      const { mine } = store.read()
      if (mine !== undefined && stateOf(mine) === told) show(mine)
    },
    hear: () => {
      const { mine } = store.read()
      if (mine === undefined || stateOf(mine) === told) return false
      refused = 0
      follow(mine)
      return true
    }
  }
}
