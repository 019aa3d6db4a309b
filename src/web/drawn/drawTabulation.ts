import type { Rules } from "../../domain/Rules.ts"
import { pairs, rounds, ties as tieWords } from "../words/resultWords.ts"
import { drawPairs } from "./drawPairs.ts"
import { drawRounds, type LabelOf } from "./drawRounds.ts"
import { saidBallots } from "./figures.ts"
import type { Shown, ShownTabulation } from "./shown.ts"
import { branch, type Tree } from "./tree.ts"

type Tie = ShownTabulation["ties"][number]

const tellTie = (tie: Tie, status: Shown["status"], labelOf: LabelOf): string => {
  const byDraw = status === "final" ? tieWords.byDraw : tieWords.byDrawNow
  const how = tie.decided_by_round === undefined ? byDraw : tieWords.byRound(tie.decided_by_round)
  const chosen = tieWords.chosen[tie.choice](labelOf(tie.chosen))
  return `${tieWords.of(tie.options.map(labelOf), tie.round)} ${how} ${chosen}`
}

const explainMethod = ({ method, quota, seats }: ShownTabulation): string =>
  method === "stv" ? rounds.methods.stv(seats, quota ?? 0) : rounds.methods[method]

/** Draws how a ranked poll's ballots were counted, as far as they are. */
export const drawTabulation = (rules: Rules, shown: Shown, labelOf: LabelOf): ReadonlyArray<Tree> => {
  const { revision, status, tabulation } = shown
  if (rules.kind !== "ranked" || saidBallots(shown) === 0) return []
  const heading = branch("h3", {}, rules.method === "condorcet" ? pairs.heading : rounds.heading)
  if (tabulation === undefined) return [heading, branch("p", { class: "soft" }, rounds.none)]
  const { elected, pairwise, ties } = tabulation
  return [
    heading,
    // In one paragraph: parts that come and go would move those behind them, which the reader may have opened.
    branch("p", { class: "soft" }, explainMethod(tabulation), tabulation.revision < revision ? ` ${rounds.older}` : ""),
    ...(pairwise === undefined ? drawRounds(tabulation, labelOf) : drawPairs(pairwise, elected, labelOf)),
    ...(ties.length === 0
      ? []
      : [
          branch("h3", {}, tieWords.heading),
          branch("ul", { class: "ties" }, ...ties.map((tie) => branch("li", {}, tellTie(tie, status, labelOf))))
        ])
  ]
}
