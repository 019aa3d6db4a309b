import { percentile } from "../harness.ts"
import type { Sent } from "./events.ts"

/** At the 50th, 99th and 99.9th percentile, in ms. */
export type Delays = readonly [p50: number, p99: number, p999: number]

/** How many of the votes accepted in one ms (since 1970) a transaction counted. */
export interface Share {
  readonly ms: string
  readonly transaction: string
  readonly votes: number
}

/** From a vote's acceptance until it could be seen in the ledger, and until a viewer was sent a tally with it. */
export interface Followed {
  readonly counted: Delays
  readonly sent: Delays
}

const delays = (values: ReadonlyArray<number>): Delays => {
  const sorted = values.toSorted((a, b) => a - b)
  return [percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 0.999)]
}

/**
 * Follows the votes that were accepted from `since` on; `seenAt` tells when a transaction's work was first seen, and
 * `sent` what the viewer was sent. All of the ledger has to be in `shares`: the viewer is only told how many votes there are.
 */
export const follow = (
  shares: ReadonlyArray<Share>,
  since: number,
  seenAt: (transaction: number) => number,
  sent: ReadonlyArray<Sent>
): Followed => {
  const looks = new Map<number, Array<Share>>()
  for (const share of shares) {
    const at = seenAt(Number(share.transaction))
    const group = looks.get(at)
    if (group === undefined) looks.set(at, [share])
    else group.push(share)
  }
  const counted: Array<number> = []
  const viewed: Array<number> = []
  let total = 0
  let event = 0
  for (const [at, group] of [...looks].sort(([a], [b]) => a - b)) {
    // What was first seen with the same look is in no order: a tally shows it when it shows all of it.
    total += group.reduce((sum, { votes }) => sum + votes, 0)
    while (event < sent.length && (sent[event]?.total ?? 0) < total) event++
    const viewedAt = sent[event]?.at ?? Number.NaN
    for (const { ms, votes } of group) {
      const acceptedAt = Number(ms)
      for (let vote = 0; vote < votes && acceptedAt >= since; vote++) {
        counted.push(at - acceptedAt)
        viewed.push(viewedAt - acceptedAt)
      }
    }
  }
  return { counted: delays(counted), sent: delays(viewed) }
}
