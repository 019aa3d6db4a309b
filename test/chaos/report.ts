import type { Clients } from "./clients.ts"
import type { LogWatch } from "./logs.ts"
import type { Organiser } from "./organiser.ts"
import type { Recoveries } from "./recoveries.ts"
import type { FaultKind } from "./schedule.ts"
import type { Verdict } from "./verdict.ts"
import type { Voters } from "./voters.ts"

export interface Outcome {
  readonly seed: number
  readonly seconds: number
  /** How often each kind of fault happened, and had an effect. */
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly clients: Clients
  readonly organiser: Organiser
  readonly recoveries: Recoveries
  readonly verdict: Verdict
  readonly voters: Voters
  readonly logs: LogWatch
  readonly problems: ReadonlyArray<string>
  /** The result of the program's own audit, in a word or two. */
  readonly audit: string
}

const shown = 10

/** Lists the first few lines under a title; an empty text if there are none. */
export const listed = (title: string, lines: ReadonlyArray<string>, limit = shown): string => {
  if (lines.length === 0) return ""
  const rest = lines.length > limit ? [`  … and ${lines.length - limit} more`] : []
  return [`${title}:`, ...lines.slice(0, limit).map((line) => `  ${line}`), ...rest].join("\n")
}

const row = (name: string, value: string | number) => `  ${name.padEnd(34)}${String(value).padStart(10)}`

const votesIn = ({ accepted }: Voters, wanted: string): string => {
  const votes = accepted.filter(({ rule }) => rule === wanted)
  return `${votes.length} of ${new Set(votes.map(({ poll, voter }) => `${poll} ${voter}`)).size} voters`
}

const votesBy = ({ polls }: Organiser): string =>
  `${polls.reduce((sum, { accepted }) => sum + accepted.length, 0)} in ${polls.length}`

export const describe = (outcome: Outcome): string => {
  const { audit, clients, faults, logs, organiser, problems, recoveries, seconds, seed, verdict, voters } = outcome
  const slowest = recoveries.slowest().slice(0, 3)
  const seen = ({ fault, meanwhile, ms, part }: (typeof slowest)[number]) =>
    `${(ms / 1000).toFixed(1)} s until ${part} worked after ${fault}` +
    (meanwhile.length === 0 ? "" : `; meanwhile for all: ${meanwhile.join(", ")}`)
  return [
    `Chaos run, ${seconds} s, --seed ${seed}`,
    "Faults",
    ...[...faults].map(([kind, times]) => row(kind, times)),
    "Votes",
    row("requests", clients.requests()),
    row("accepted keys asked for again", clients.repeated()),
    row("accepted", verdict.accepted),
    row("counted", verdict.counted),
    row("tally", verdict.tally),
    row("duplicates", verdict.duplicates.length),
    row("lost", verdict.lost.length),
    row("dead", verdict.dead),
    row("accepted in polls `once`", votesIn(voters, "once")),
    row("accepted in polls `changeable`", votesIn(voters, "changeable")),
    row("accepted in the organiser's polls", votesBy(organiser)),
    row("which were", [...organiser.acts].map(([act, times]) => `${act} ${times} times`).join(", ")),
    row("checkpoints of public logs", logs.seen()),
    row("audit", audit),
    listed("Slowest recoveries", slowest.map(seen)),
    listed("DUPLICATES", verdict.duplicates),
    listed("LOST", verdict.lost),
    listed("RECEIPTS THAT DIFFER FROM THE LEDGER", verdict.misplaced),
    listed("WRONG ANSWERS", clients.wrong),
    listed("PROBLEMS", problems)
  ]
    .filter((line) => line !== "")
    .join("\n")
}
