import type { PollLeaf } from "./Leaf.ts"
import type { VerifiedLog } from "./VerifyLog.ts"
import { winnersOf } from "./Winners.ts"

/** What decides who is a voter, what a vote can say, and what the votes come to. */
const deciding = [
  "kind",
  "min",
  "max",
  "every",
  "budget",
  "spend_all",
  "method",
  "seats",
  "tie_break",
  "abstain",
  "ballot",
  "identity",
  "tie_seed_hash"
] as const satisfies ReadonlyArray<keyof PollLeaf>

/** A poll and its results, as the service tells them beside the log. */
export interface Told {
  readonly title: string
  readonly options: ReadonlyArray<{ readonly id: string; readonly label: string }>
  /** All that is told of the poll. */
  readonly poll?: Partial<Pick<PollLeaf, (typeof deciding)[number]>> & { readonly tie_seed?: string }
  readonly results?: {
    readonly status: string
    readonly ballots: number
    readonly abstained: number
    readonly results: ReadonlyArray<{
      readonly option: string
      readonly count: number
      readonly sum?: number
      readonly points?: number
    }>
    readonly winners?: ReadonlyArray<string>
  }
}

/** Returns what differs between a log and what the service tells, in words; nothing is said of results before the end while choices are hidden. */
export const differences = ({ counted, fold }: VerifiedLog, told: Told): ReadonlyArray<string> => {
  const { poll, result } = fold
  const labels = (of: Pick<Told, "options">) => JSON.stringify(of.options.map(({ id, label }) => [id, label]))
  const wrong: Array<string> = []
  if (poll === undefined || poll.title !== told.title || labels(poll) !== labels(told)) {
    wrong.push("the poll's title or options are not those of the log")
  }
  const differs = <A>(what: string, log: A, other: A, where: string): void => {
    if (log !== other) wrong.push(`${what}: ${log} by the log, ${other} by ${where}`)
  }
  if (poll !== undefined && told.poll !== undefined) {
    for (const name of deciding) differs(name, poll[name] ?? "none", told.poll[name] ?? "none", "the poll")
    const { tie_seed: seed } = told.poll
    if (fold.tieSeed !== undefined && seed !== undefined) differs("tie_seed", fold.tieSeed, seed, "the poll")
  }
  const ids = counted.options.map((option) => ({ ...option, what: `votes for ${option.id}` }))
  if (result !== undefined) {
    const where = "the log's own final result"
    differs("ballots", counted.ballots, result.ballots, where)
    differs("abstentions", counted.abstained, result.abstained, where)
    for (const { count, id, sum, what } of ids) {
      const told = result.options.find((option) => option.id === id)
      differs(what, count, told?.count ?? 0, where)
      differs(`the sum of ${id}`, sum, told?.sum ?? sum, where)
    }
  }
  const winners = told.results?.status === "final" ? winnersOf(fold) : undefined
  if (winners !== undefined) {
    const inWords = (ids: ReadonlyArray<string> = []) => [...ids].sort().join(", ") || "none"
    differs("winners", inWords(winners), inWords(told.results?.winners), "the results")
  }
  // Without it nobody can tell whether the winners are those of the log.
  if (told.results?.status === "final" && poll?.kind === "ranked" && fold.tieSeed === undefined)
    wrong.push("the result is final, and the log does not tell what draws come from")
  if (told.results !== undefined && (!fold.isHiding || told.results.status === "final")) {
    const where = "the results"
    differs("ballots", counted.ballots, told.results.ballots, where)
    differs("abstentions", counted.abstained, told.results.abstained, where)
    for (const { count, id, sum, what } of ids) {
      const shown = told.results.results.find(({ option }) => option === id)
      differs(what, count, shown?.count ?? 0, where)
      differs(`the sum of ${id}`, sum, shown?.points ?? shown?.sum ?? sum, where)
    }
  }
  return wrong
}
