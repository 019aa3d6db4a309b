import { receiptPath } from "../../domain/ReceiptPath.ts"
import type { VoteStatus } from "../../domain/Vote.ts"
import { ask } from "../http.ts"
import type { Mine } from "./stored.ts"

const firstPause = 150
const longestPause = 5_000
/** A receipt that was not found this often will not be found later. */
const maxMisses = 5

/** Looks up a receipt until it says what became of the vote; gives up quietly once `current` returns false. */
export const followReceipt = async (mine: Mine, current: () => boolean, done: (mine: Mine) => void): Promise<void> => {
  let misses = 0
  for (let pause = firstPause; current(); pause = Math.min(pause * 1.6, longestPause)) {
    const answer = await ask<typeof VoteStatus.Type>(receiptPath(mine))
    if (!current()) return
    if (answer.kind === "ok" && answer.body.status !== "queued") return done({ ...mine, status: answer.body.status })
    if (answer.kind === "problem" && ++misses >= maxMisses) return done({ ...mine, status: "lost" })
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
