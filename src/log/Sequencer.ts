import { Effect } from "effect"
import { failpoint } from "../Failpoint.ts"
import { type Begun, LogQueue } from "../ledger/LogQueue.ts"
import type { OpenLog } from "../ledger/LogRows.ts"
import { PollActs } from "../ledger/PollActs.ts"
import { Draft, makeSecret } from "./Draft.ts"
import { sha256 } from "./Hashes.ts"
import { voteLeaves } from "./VoteLeaves.ts"

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
          else {
            voteLeaves(
              row,
              (poll) => drafts.get(poll)?.naming,
              (poll, leaf) => drafts.get(poll)?.add(leaf)
            )
          }
          // A batch takes some ms, and there may be votes to take and viewers to tell.
          yield* Effect.yieldNow
        }
        const grown = yield* Effect.forEach(drafts.values(), (one) => Effect.promise(() => one.grown()))
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
