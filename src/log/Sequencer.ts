import { Effect } from "effect"
import { failpoint } from "../Failpoint.ts"
import { type Begun, LogQueue } from "../ledger/LogQueue.ts"
import type { OpenLog } from "../ledger/LogRows.ts"
import { PollActs } from "../ledger/PollActs.ts"
import { Draft, makeSecret } from "./Draft.ts"
import { sha256 } from "./Hashes.ts"
import { addVotes, votesIn } from "./VoteLeaves.ts"

/** So many votes are brought into the logs in one turn of the event loop, which takes a few ms. */
const votesAtOnce = 1_000

/** Returns the name of a poll's log: its address without the scheme. */
export const originOf = (host: string, poll: string, number = 1): string =>
  `${host}/api/polls/${poll}/log${number === 1 ? "" : `/${number}`}`

/** Returns what a log begins with. */
export const beginLog = (host: string, poll: string, number = 1): Begun => ({
  origin: originOf(host, poll, number),
  secret: makeSecret(),
  root: sha256(new Uint8Array())
})

/**
 * Makes the function that brings the next of what was queued into the logs. Any number of processes may do it; one at a time does,
 * and all it does is in one transaction. Returns how many rows of the queue it took.
 */
export const makeSequencing = Effect.fnUntraced(function* (host: string, added: (leaves: number) => void = () => {}) {
  const queue = yield* LogQueue
  const polls = yield* PollActs

  const begin = (poll: string) => beginLog(host, poll)

  const draft = Effect.fnUntraced(function* (log: OpenLog) {
    const poll = yield* polls.find(log.poll)
    return poll === undefined ? [] : [[log.poll, new Draft(log, poll)] as const]
  })

  return Effect.suspend(() => {
    let leaves = 0
    const turn = queue.turn(begin, (rows, logs) =>
      Effect.gen(function* () {
        const drafts = new Map((yield* Effect.forEach(logs, draft)).flat())
        for (const row of rows) {
          if (row.voteIds === null) drafts.get(row.polls[0] ?? "")?.happened(row.kind, row.payload)
          for (let from = 0; from < votesIn(row); from += votesAtOnce) {
            addVotes(row, (poll) => drafts.get(poll), from, from + votesAtOnce)
            // There may be votes to take and viewers to tell.
            yield* Effect.yieldNow
          }
        }
        const grown = Array.from(drafts.values(), (one) => one.grown())
        leaves = grown.reduce((sum, { log, size }) => sum + size - log.size, 0)
        failpoint("log-before-commit")
        return grown
      })
    )
    return Effect.tap(turn, () =>
      Effect.sync(() => {
        failpoint("log-after-commit")
        added(leaves)
      })
    )
  })
})
