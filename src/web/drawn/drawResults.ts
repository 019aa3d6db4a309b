import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { outcome, results as words } from "../words/resultWords.ts"
import type { LabelOf } from "./drawRounds.ts"
import { drawTabulation } from "./drawTabulation.ts"
import { explainFigures, figuresOf, saidBallots } from "./figures.ts"
import { drawHistogram } from "./histogram.ts"
import type { Shown, ShownTabulation } from "./shown.ts"
import { type Branch, branch, type Tree } from "./tree.ts"

/** What results are drawn for: a poll, as its view says. */
export type Drawn = Pick<PollView, "kind" | "options"> & Parameters<typeof rulesOf>[0]

const labelsOf = (options: Drawn["options"]): LabelOf => {
  const labels = new Map(options.map(({ id, label }) => [id, label]))
  return (option) => labels.get(option) ?? option
}

/** Says what draws have decided on the way: who announces the elected has to say that, too. */
const tellDraws = ({ elected, ties }: ShownTabulation, isFinal: boolean, labelOf: LabelOf): ReadonlyArray<string> => {
  const draws = ties
    .map(({ drawn = [], options }) => options.filter((option) => drawn.includes(option)))
    .filter((options) => options.length > 0)
  if (draws.length === 0) return []
  const between = draws.filter(
    (options) =>
      options.some((option) => elected.includes(option)) && !options.every((option) => elected.includes(option))
  )
  const told = between
    .map((options) => options.map(labelOf))
    .map(isFinal ? outcome.drawnBetween : outcome.drawnBetweenNow)
  return [
    ...new Set(told.length === 0 ? [outcome.drawnOnTheWay(draws.length)] : told),
    ...(isFinal ? [] : [outcome.drawnLater])
  ]
}

/** Says whom the ballots elect, and what besides them did. */
const tellElected = (
  labels: ReadonlyArray<string>,
  tabulation: ShownTabulation,
  isFinal: boolean,
  labelOf: LabelOf
) => {
  const empty = tabulation.seats - labels.length
  return [
    isFinal ? outcome.elected(labels) : outcome.ahead(labels),
    ...tellDraws(tabulation, isFinal, labelOf),
    ...(isFinal && empty > 0 ? [outcome.emptySeats(empty)] : [])
  ].join(" ")
}

/** Says who leads or has won, and whether that is a tie; empty while nobody has a vote. */
export const tellOutcome = (options: Drawn["options"], shown: Shown): string => {
  const { status, tabulation, tie, winners } = shown
  const labelOf = labelsOf(options)
  const labels = winners.map(labelOf)
  if (labels.length === 0) return status === "final" && saidBallots(shown) === 0 ? outcome.none : ""
  const elected = (tabulation?.elected ?? []).map(labelOf)
  if (tie) {
    const [tied, drawn] = status === "final" ? [outcome.tied, outcome.drawn] : [outcome.tiedNow, outcome.drawnNow]
    const isDrawn = tabulation?.pairwise !== undefined && elected.length > 0
    return isDrawn ? `${tied(labels)} ${drawn(elected)}` : tied(labels)
  }
  if (tabulation === undefined) {
    return status === "final" ? outcome.wins(labels) : outcome.leads(labels)
  }
  return tellElected(labels, tabulation, status === "final", labelOf)
}

/** Draws a row for each option: in the poll's order, which stays where it is, and from the best on once it is final. */
const drawRows = (poll: Drawn, shown: Shown): ReadonlyArray<Branch> => {
  const rules = rulesOf(poll)
  const figures = figuresOf(rules, shown)
  const labelOf = labelsOf(poll.options)
  const places = new Map(poll.options.map(({ id }, index) => [id, index]))
  const rows = shown.results.map(({ count, histogram, option }, index) => {
    const { detail, figure, max, min, value } = figures[index] ?? { detail: "", figure: "", max: 1, min: 0, value: 0 }
    const label = labelOf(option)
    return {
      option,
      row: branch(
        "li",
        { class: shown.winners.includes(option) ? "leads" : "", id: `result-${option}` },
        branch("span", { class: "label" }, label),
        branch("span", { class: "share" }, figure),
        branch("meter", { min, max, value, "aria-label": words.bar[rules.kind](label) }),
        branch("span", { class: "votes" }, detail),
        histogram !== undefined && count > 0 && rules.kind === "score"
          ? drawHistogram(label, histogram, rules)
          : undefined
      )
    }
  })
  const place = (option: string): number => places.get(option) ?? 0
  if (shown.status !== "final") rows.sort((a, b) => place(a.option) - place(b.option))
  return rows.map(({ row }) => row)
}

/** Draws the results of a poll of any kind. */
export const drawResults = (poll: Drawn, shown: Shown): ReadonlyArray<Tree> => {
  const rules = rulesOf(poll)
  const explained = explainFigures(rules, shown)
  return [
    branch("ul", { class: "bars" }, drawRows(poll, shown)),
    ...(explained === "" ? [] : [branch("p", { class: "soft" }, explained)]),
    ...drawTabulation(rules, shown, labelsOf(poll.options))
  ]
}
