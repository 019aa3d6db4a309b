import type { Kind, Rules } from "../../domain/Rules.ts"
import { shares, votes } from "../words/formats.ts"
import { mean, partOf, results as words } from "../words/resultWords.ts"
import type { Shown, ShownOption } from "./shown.ts"

/** An option's result: how far its bar goes, and in words. */
export interface Figures {
  readonly min: number
  readonly max: number
  readonly value: number
  readonly figure: string
  readonly detail: string
}

const share = (value: number, figure: string | undefined, detail: string): Figures => ({
  min: 0,
  max: 100,
  value,
  figure: figure ?? "",
  detail
})

/** Returns how many ballots say something: percentages are of these. */
export const saidBallots = ({ abstained, total_votes }: Shown): number => total_votes - abstained

/** Returns the points that all options have. */
const pointsGiven = ({ results }: Shown): number => results.reduce((all, { points = 0 }) => all + points, 0)

/** Returns the figures of each option, in the order of the results. */
export const figuresOf = (rules: Rules, shown: Shown): ReadonlyArray<Figures> => {
  const { results } = shown
  const said = saidBallots(shown)
  const inWords = shares(results.map(rules.kind === "points" ? ({ points = 0 }) => points : ({ count }) => count))
  const figures: Readonly<Record<Kind, (result: ShownOption, index: number) => Figures>> = {
    single: ({ count, percentage }, index) => share(percentage, inWords[index], votes(count)),
    multiple: ({ count, percentage }) => share(percentage, partOf(count, said), words.multiple(count, said)),
    points: ({ count, percentage, points = 0 }, index) =>
      share(percentage, inWords[index], words.points(points, count)),
    ranked: ({ count, percentage }, index) => share(percentage, inWords[index], words.ranked(count)),
    score: ({ count, mean: value }) => {
      const [min, max] = rules.kind === "score" ? [rules.min, rules.max] : [0, 0]
      const figure = value === undefined ? words.noMean : mean(value)
      return { min, max, value: value ?? min, figure, detail: words.score(count) }
    }
  }
  return results.map(figures[rules.kind])
}

/** Says of what the figures are. */
export const explainFigures = (rules: Rules, shown: Shown): string => {
  switch (rules.kind) {
    case "single":
      return ""
    case "score":
      return words.of.score(rules.min, rules.max)
    case "points":
      return words.of.points(pointsGiven(shown))
    default:
      return words.of[rules.kind](saidBallots(shown))
  }
}
