import type { OptionResult } from "../../domain/OptionResult.ts"
import type { Poll } from "../../domain/Poll.ts"
import type { Rules } from "../../domain/Rules.ts"
import type { Results } from "../../domain/Tally.ts"

/** What a cell says: a text, or a number, perhaps as it is to be written. */
export type Cell = string | number | { readonly number: string }

/** A column of a poll's results as CSV: its name, and what it says of an option. */
export interface Column {
  readonly name: string
  readonly cell: (result: OptionResult) => Cell
}

/** Returns a number as all of its column are written. */
const toHundredths = (value: number): Cell => ({ number: value.toFixed(2) })

type ShownTabulation = NonNullable<Results["tabulation"]>

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** A column for each score that a ballot can give. */
const scoreColumns = ({ max, min }: Extract<Rules, { kind: "score" }>): ReadonlyArray<Column> => [
  { name: "sum", cell: ({ sum }) => sum ?? 0 },
  { name: "mean", cell: ({ mean }) => (mean === undefined ? "" : toHundredths(mean)) },
  ...range(min, max).map((score) => ({
    name: `score_${score}`,
    cell: ({ histogram = [] }: OptionResult) => histogram.find((bar) => bar.score === score)?.count ?? 0
  }))
]

/** Says where a tie had to be broken that the option was part of: what was chosen, who it was between, and how. */
const tiesOf = ({ ties }: ShownTabulation, option: string): string =>
  ties
    .filter(({ options }) => options.includes(option))
    .map((tie) => {
      const when = tie.round === undefined ? "" : `round ${tie.round}, `
      const how = tie.drawn === undefined ? `by round ${tie.decided_by_round}` : "by draw"
      return `${when}${tie.choice}: ${tie.chosen} of ${tie.options.join(" and ")}, ${how}`
    })
    .join("; ")

/** A column for each round, or under `condorcet` for each option that others are compared with. */
const rankedColumns = (tabulation: ShownTabulation): ReadonlyArray<Column> => {
  const { elected, pairwise, rounds } = tabulation
  return [
    { name: "elected", cell: ({ option }) => (elected.includes(option) ? elected.indexOf(option) + 1 : "") },
    ...rounds.map(({ round, votes }) => ({
      name: `round_${round}`,
      cell: ({ option }: OptionResult) => votes.find((of) => of.option === option)?.votes ?? ""
    })),
    ...(pairwise === undefined
      ? []
      : pairwise.options.map((other, index) => ({
          name: `over_${other}`,
          cell: ({ option }: OptionResult) =>
            option === other ? "" : (pairwise.votes[pairwise.options.indexOf(option)]?.[index] ?? "")
        }))),
    { name: "ties", cell: ({ option }) => tiesOf(tabulation, option) }
  ]
}

/** Returns what a kind's results have besides the columns of all kinds. */
const columnsOfKind = (rules: Rules, { tabulation }: Results): ReadonlyArray<Column> => {
  switch (rules.kind) {
    case "score":
      return scoreColumns(rules)
    case "points":
      return [{ name: "points", cell: ({ points }) => points ?? 0 }]
    case "ranked":
      return tabulation === undefined ? [] : rankedColumns(tabulation)
    default:
      return []
  }
}

/** Returns the columns of a poll's results: one row is one option. */
export const resultsColumns = (poll: Poll, results: Results): ReadonlyArray<Column> => {
  const labels = new Map(poll.options.map(({ id, label }) => [id, label]))
  const leading = results.tie ? "tied" : "yes"
  return [
    { name: "option", cell: ({ option }) => option },
    { name: "label", cell: ({ option }) => labels.get(option) ?? option },
    { name: "count", cell: ({ count }) => count },
    { name: "percentage", cell: ({ percentage }) => toHundredths(percentage) },
    { name: "status", cell: () => results.status },
    { name: "leads", cell: ({ option }) => (results.winners.includes(option) ? leading : "") },
    ...columnsOfKind(poll.rules, results)
  ]
}
