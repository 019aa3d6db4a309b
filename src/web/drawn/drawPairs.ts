import type { Pairwise } from "../../domain/tabulation/Tabulation.ts"
import { count } from "../words/formats.ts"
import { pairs as words } from "../words/resultWords.ts"
import { type LabelOf, scrolled } from "./drawRounds.ts"
import { type Branch, branch, type Tree } from "./tree.ts"

/** Draws how one option fares against another one: whose part of the bar is longer, is ranked above by more ballots. */
const drawPair = (one: string, other: string, votes: number, back: number): Branch => {
  const width = votes + back === 0 ? 50 : Math.round((votes * 10_000) / (votes + back)) / 100
  return branch(
    "li",
    { class: votes > back ? "leads" : "" },
    branch("span", { class: "label" }, words.beats(one, count(votes), other, count(back))),
    branch(
      "svg",
      { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      branch("rect", { class: "track", width: 100, height: 8 }),
      branch("rect", { class: "kept", width, height: 8 }),
      branch("rect", { class: "line", x: 49.7, width: 0.6, height: 8 })
    )
  )
}

const drawTable = ({ options, votes }: Pairwise, labelOf: LabelOf): Branch =>
  scrolled(
    words.table,
    branch(
      "table",
      {},
      branch("caption", {}, words.caption),
      branch(
        "thead",
        {},
        branch(
          "tr",
          {},
          branch("th", { scope: "col" }, words.above),
          ...options.map((option) => branch("th", { scope: "col" }, labelOf(option)))
        )
      ),
      branch(
        "tbody",
        {},
        ...options.map((option, row) =>
          branch(
            "tr",
            {},
            branch("th", { scope: "row" }, labelOf(option)),
            ...options.map((_, column) => {
              if (row === column) return branch("td", {}, "–")
              const [above, below] = [votes[row]?.[column] ?? 0, votes[column]?.[row] ?? 0]
              return branch("td", { class: above > below ? "wins" : "" }, count(above))
            })
          )
        )
      )
    )
  )

/** Draws what `condorcet` goes by: how the elected fares against each other option, and a table of all pairs. */
export const drawPairs = (
  pairwise: Pairwise,
  elected: ReadonlyArray<string>,
  labelOf: LabelOf
): ReadonlyArray<Tree> => {
  const { options, votes } = pairwise
  const first = options.indexOf(elected[0] ?? "")
  const others = options.flatMap((option, index) =>
    index === first || first < 0
      ? []
      : [
          drawPair(
            labelOf(options[first] ?? ""),
            labelOf(option),
            votes[first]?.[index] ?? 0,
            votes[index]?.[first] ?? 0
          )
        ]
  )
  return [branch("ul", { class: "parts" }, others), drawTable(pairwise, labelOf)]
}
